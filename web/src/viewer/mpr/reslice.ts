/** A plane through a volume: each of its points is interpolated where it really lies. */

import { add, dot, type Vector } from "./vector";
import type { Frame } from "./volume";

/** A volume with its rescaled values, slice by slice in the order of `frame.depths`. */
export interface Volume {
  readonly frame: Frame;
  readonly slices: readonly ArrayLike<number>[];
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

/**
 * The values on a plane, linear between the eight voxels around each point.
 *
 * Slices may be tilted or uneven: between two of them the corner moves from the one's
 * position to the other's, so that a point's row and column are those of the patient.
 *
 * @returns rows × columns, NaN outside of the volume.
 */
export function reslice({ frame, slices }: Volume, plane: Plane): Float32Array {
  const found = new Float32Array(plane.rows * plane.columns).fill(Number.NaN);
  const place = placer(frame);
  for (let row = 0; row < plane.rows; row += 1) {
    const start = add(plane.origin, plane.down, row * plane.size);
    for (let column = 0; column < plane.columns; column += 1) {
      const at = place(add(start, plane.along, column * plane.size));
      if (!at) continue;
      const [below, above] = [
        slices[at.slice],
        slices[at.slice + (at.share > 0 ? 1 : 0)],
      ];
      if (!below || !above) continue;
      const low = bilinear(below, frame, at.column, at.row);
      const high = at.share > 0 ? bilinear(above, frame, at.column, at.row) : low;
      found[row * plane.columns + column] = low + (high - low) * at.share;
    }
  }
  return found;
}

/** The brightest of several planes around one, `thickness` mm in all (a slab, MIP). */
export function slab(
  volume: Volume,
  plane: Plane,
  normal: Vector,
  thickness: number,
): Float32Array {
  const steps = Math.max(1, Math.round(thickness / plane.size));
  let found: Float32Array | null = null;
  for (let step = 0; step < steps; step += 1) {
    const away = (step - (steps - 1) / 2) * plane.size;
    const one = reslice(volume, { ...plane, origin: add(plane.origin, normal, away) });
    if (found) brighter(found, one);
    else found = one;
  }
  return found ?? reslice(volume, plane);
}

function brighter(found: Float32Array, one: Float32Array): void {
  for (let at = 0; at < found.length; at += 1) {
    const [a = Number.NaN, b = Number.NaN] = [found[at], one[at]];
    if (!(a >= b)) found[at] = Number.isNaN(b) ? a : b;
  }
}

interface Place {
  readonly slice: number;
  /** On the way to the next slice, 0..1. */
  readonly share: number;
  readonly row: number;
  readonly column: number;
}

/** Where a point of the patient lies between the slices; null outside. */
export function placer(frame: Frame): (point: Vector) => Place | null {
  const { depths, origins, along, down, spacing, normal } = frame;
  const last = depths.length - 1;
  // Half of a gap beyond the first and the last slice still belongs to them.
  const margin = [half(depths, 0), half(depths, last - 1)] as const;
  let guess = 0;
  return (point) => {
    const depth = dot(normal, point);
    const [low = 0, high = 0] = [depths[0], depths[last]];
    if (depth < low - margin[0] || depth > high + margin[1]) return null;
    guess = below(depths, depth, guess);
    const [from = 0, to = 0] = [depths[guess], depths[guess + 1]];
    const share = Math.min(1, Math.max(0, (depth - from) / (to - from)));
    const [a, b] = [origins[guess], origins[guess + 1]];
    if (!a || !b) return null;
    const origin = add(a, add(b, a, -1), share);
    const off = add(point, origin, -1);
    const column = dot(along, off) / spacing[1];
    const row = dot(down, off) / spacing[0];
    const isIn =
      column >= -0.5 &&
      row >= -0.5 &&
      column <= frame.columns - 0.5 &&
      row <= frame.rows - 0.5;
    return isIn ? { slice: guess, share, row, column } : null;
  };
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
