/** A plane through a volume: each of its points is interpolated where it really lies. */

import { add, dot, type Vector } from "./vector";
import type { Frame } from "./volume";

/** A volume with its rescaled values, slice by slice in the order of `frame.depths`. */
export interface Volume {
  readonly frame: Frame;
  readonly slices: readonly ArrayLike<number>[];
  /** Of each voxel 1, or 0 where it is padding; missing where none is. */
  readonly known?: readonly ArrayLike<number>[] | undefined;
}

/** A picture through the patient: pixels are squares of `size` mm. */
export interface Plane {
  /** Centre of the first pixel. */
  readonly origin: Vector;
  /** Along a row and down a column, of length 1. */
  readonly along: Vector;
  readonly down: Vector;
  readonly size: number;
  readonly rows: number;
  readonly columns: number;
}

/** Between voxels: linear, or the value of the nearest one (labels have no between). */
export type Between = "linear" | "nearest";

/**
 * The values on a plane, by default linear between the eight voxels around each point.
 *
 * Slices may be tilted or uneven: between two of them the corner moves from the one's
 * position to the other's, so that a point's row and column are those of the patient.
 *
 * @returns rows × columns, NaN outside of the volume.
 */
export function reslice(
  { frame, slices }: Volume,
  plane: Plane,
  between: Between = "linear",
): Float32Array {
  const found = new Float32Array(plane.rows * plane.columns).fill(Number.NaN);
  const ways = waysOf(frame);
  const valueAt = between === "linear" ? linearAt : nearestAt;
  const step = {
    depth: dot(frame.normal, plane.along) * plane.size,
    column: (dot(frame.along, plane.along) * plane.size) / frame.spacing[1],
    row: (dot(frame.down, plane.along) * plane.size) / frame.spacing[0],
  };
  let guess = 0;
  for (let row = 0; row < plane.rows; row += 1) {
    const start = add(plane.origin, plane.down, row * plane.size);
    let depth = dot(frame.normal, start);
    let column = dot(frame.along, start) / frame.spacing[1];
    let line = dot(frame.down, start) / frame.spacing[0];
    for (let at = row * plane.columns; at < (row + 1) * plane.columns; at += 1) {
      if (depth >= ways.first && depth <= ways.last) {
        guess = below(frame.depths, depth, guess);
        found[at] = valueAt(slices, frame, ways, guess, depth, column, line);
      }
      depth += step.depth;
      column += step.column;
      line += step.row;
    }
  }
  return found;
}

/** Corners of the slices as columns and rows, and how far the volume reaches. */
interface Ways {
  readonly columns: Float64Array;
  readonly rows: Float64Array;
  readonly first: number;
  readonly last: number;
}

function waysOf({ origins, along, down, spacing, depths }: Frame): Ways {
  const end = depths.length - 1;
  return {
    columns: Float64Array.from(origins, (origin) => dot(along, origin) / spacing[1]),
    rows: Float64Array.from(origins, (origin) => dot(down, origin) / spacing[0]),
    // Half of a gap beyond the first and the last slice still belongs to them.
    first: (depths[0] ?? 0) - half(depths, 0),
    last: (depths[end] ?? 0) + half(depths, end - 1),
  };
}

function linearAt(
  slices: Volume["slices"],
  frame: Frame,
  ways: Ways,
  slice: number,
  depth: number,
  column: number,
  row: number,
): number {
  const share = shareOf(frame, slice, depth);
  const [left, top] = [ways.columns[slice] as number, ways.rows[slice] as number];
  const x = column - left - share * ((ways.columns[slice + 1] as number) - left);
  const y = row - top - share * ((ways.rows[slice + 1] as number) - top);
  if (x < -0.5 || y < -0.5 || x > frame.columns - 0.5 || y > frame.rows - 0.5) {
    return Number.NaN;
  }
  const [low, high] = [slices[slice], slices[slice + 1]];
  if (!low || !high) return Number.NaN;
  if (share === 0) return bilinear(low, frame, x, y);
  const a = bilinear(low, frame, x, y);
  return a + (bilinear(high, frame, x, y) - a) * share;
}

function nearestAt(
  slices: Volume["slices"],
  frame: Frame,
  ways: Ways,
  slice: number,
  depth: number,
  column: number,
  row: number,
): number {
  const nearest = shareOf(frame, slice, depth) < 0.5 ? slice : slice + 1;
  const x = Math.round(column - (ways.columns[nearest] as number));
  const y = Math.round(row - (ways.rows[nearest] as number));
  if (x < 0 || y < 0 || x >= frame.columns || y >= frame.rows) return Number.NaN;
  return slices[nearest]?.[y * frame.columns + x] ?? Number.NaN;
}

/** How far a depth is from a slice to the next, 0..1. */
function shareOf({ depths }: Frame, slice: number, depth: number): number {
  const from = depths[slice] as number;
  return Math.min(
    1,
    Math.max(0, (depth - from) / ((depths[slice + 1] as number) - from)),
  );
}

/** The value at a point of the patient, NaN outside of the volume. */
export function probe(volume: Volume, point: Vector): number {
  const { along, down } = volume.frame;
  const spot: Plane = { origin: point, along, down, size: 1, rows: 1, columns: 1 };
  return reslice(volume, spot)[0] ?? Number.NaN;
}

/** The brightest of several planes around one, `thickness` mm in all (a slab, MIP). */
export function slab(
  volume: Volume,
  plane: Plane,
  normal: Vector,
  thickness: number,
  between: Between = "linear",
): Float32Array {
  const steps = Math.max(1, Math.round(thickness / plane.size));
  let found: Float32Array | null = null;
  for (let step = 0; step < steps; step += 1) {
    const away = (step - (steps - 1) / 2) * plane.size;
    const origin = add(plane.origin, normal, away);
    const one = reslice(volume, { ...plane, origin }, between);
    if (found) brighter(found, one);
    else found = one;
  }
  return found ?? reslice(volume, plane, between);
}

function brighter(found: Float32Array, one: Float32Array): void {
  for (let at = 0; at < found.length; at += 1) {
    const [a = Number.NaN, b = Number.NaN] = [found[at], one[at]];
    if (!(a >= b)) found[at] = Number.isNaN(b) ? a : b;
  }
}

/**
 * The values whose voxels are all known; others are NaN.
 *
 * @param shares the plane through `Volume.known`: below 1 where padding has a share. Of a
 *   slab the best of its planes counts, as its brightest value does.
 */
export function without(values: Float32Array, shares: Float32Array): Float32Array {
  return values.map((value, at) =>
    (shares[at] as number) > 1 - 1e-6 ? value : Number.NaN,
  );
}

function half(depths: readonly number[], at: number): number {
  return ((depths[at + 1] ?? 0) - (depths[at] ?? 0)) / 2;
}

/** The slice below a depth; neighbours on a plane lie close, so the search starts there. */
function below(depths: readonly number[], depth: number, guess: number): number {
  let at = guess;
  while (at > 0 && (depths[at] ?? 0) > depth) at -= 1;
  while (at < depths.length - 2 && (depths[at + 1] ?? 0) <= depth) at += 1;
  return at;
}

function bilinear(
  slice: ArrayLike<number>,
  { rows, columns }: Frame,
  column: number,
  row: number,
): number {
  const x = Math.min(Math.max(column, 0), columns - 1);
  const y = Math.min(Math.max(row, 0), rows - 1);
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [right, bottom] = [Math.min(left + 1, columns - 1), Math.min(top + 1, rows - 1)];
  const [fx, fy] = [x - left, y - top];
  const [up, low] = [top * columns, bottom * columns];
  const a = slice[up + left] as number;
  const b = slice[up + right] as number;
  const c = slice[low + left] as number;
  const d = slice[low + right] as number;
  const upper = fx === 0 ? a : a + (b - a) * fx;
  const lower = fx === 0 ? c : c + (d - c) * fx;
  return fy === 0 ? upper : upper + (lower - upper) * fy;
}
