/** A stack of parallel slices as a volume, at the places where its slices really lie. */

import { add, cross, dot, lengthOf, type Vector } from "./vector";

/** Where one slice lies (PS3.3 C.7.6.2.1.1). */
export interface SlicePlace {
  readonly rows: number;
  readonly columns: number;
  /** Image Position (Patient): centre of the first pixel. */
  readonly position: Vector;
  /** Image Orientation (Patient): along a row, then along a column. */
  readonly orientation: readonly [along: Vector, down: Vector];
  /** Pixel Spacing: between rows, then between columns. */
  readonly spacing: readonly [row: number, column: number];
}

/** A volume without its values. */
export interface Frame {
  readonly rows: number;
  readonly columns: number;
  readonly along: Vector;
  readonly down: Vector;
  readonly normal: Vector;
  readonly spacing: readonly [row: number, column: number];
  /** Position of each slice, in the order of `depths`. */
  readonly origins: readonly Vector[];
  /** Of each slice along the normal, in mm, ascending. */
  readonly depths: readonly number[];
  /** Which of the given slices each one is. */
  readonly order: readonly number[];
  /** Smallest and largest distance of neighbours in mm. */
  readonly gaps: readonly [least: number, most: number];
  /** Degrees between the way from slice to slice and the normal: a tilted gantry. */
  readonly tilt: number;
  /** Slices are not evenly apart: what lies between them is interpolated at true places. */
  readonly isUneven: boolean;
}

/** Why slices are no volume. */
export type Refusal =
  | "few"
  | "geometry"
  | "sizes"
  | "orientations"
  | "positions"
  | "spacings"
  | "memory";

export const LEAST_SLICES = 10;
/** Above it a browser's tab may end without a word. */
export const MOST_BYTES = 1.5e9;
const SAME_DIRECTION = 1e-3; // sine of 0.06°
const EVEN = 0.02; // of the mean gap

/** The volume of some slices, or why there is none. */
export function frameOf(slices: readonly (SlicePlace | null)[]): Frame | Refusal {
  const [first] = slices;
  if (slices.length < LEAST_SLICES) return "few";
  if (!first || slices.some((each) => each === null)) return "geometry";
  const all = slices as readonly SlicePlace[];
  const wrong = refusalOf(first, all);
  if (wrong) return wrong;
  const [along, down] = first.orientation;
  const normal = cross(along, down);
  const sorted = all
    .map(({ position }, at) => ({ at, position, depth: dot(normal, position) }))
    .sort((a, b) => a.depth - b.depth);
  const gaps = sorted
    .slice(1)
    .map(({ depth }, at) => depth - (sorted[at]?.depth ?? depth));
  const [least, most] = [Math.min(...gaps), Math.max(...gaps)];
  if (least < 0.01) return "positions";
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  return {
    rows: first.rows,
    columns: first.columns,
    along,
    down,
    normal,
    spacing: first.spacing,
    origins: sorted.map(({ position }) => position),
    depths: sorted.map(({ depth }) => depth),
    order: sorted.map(({ at }) => at),
    gaps: [least, most],
    tilt: tiltOf(
      sorted.map(({ position }) => position),
      normal,
    ),
    isUneven: Math.max(most - mean, mean - least) > EVEN * mean,
  };
}

function refusalOf(first: SlicePlace, all: readonly SlicePlace[]): Refusal | null {
  const has = (isSame: (slice: SlicePlace) => boolean) => all.every(isSame);
  const [along, down] = first.orientation;
  const isUnit = [along, down].every((each) => Math.abs(lengthOf(each) - 1) < 1e-2);
  const isSound =
    isUnit &&
    Math.abs(dot(along, down)) < 1e-2 &&
    first.spacing.every((each) => Number.isFinite(each) && each > 0) &&
    has(({ position }) => position.every(Number.isFinite));
  if (!isSound) return "geometry";
  if (!has(({ rows, columns }) => rows === first.rows && columns === first.columns))
    return "sizes";
  const isParallel = ({ orientation: [a, d] }: SlicePlace) =>
    lengthOf(cross(a, along)) < SAME_DIRECTION &&
    lengthOf(cross(d, down)) < SAME_DIRECTION &&
    dot(a, along) > 0 &&
    dot(d, down) > 0;
  if (!has(isParallel)) return "orientations";
  const isAlike = ({ spacing }: SlicePlace) =>
    spacing.every((each, at) => Math.abs(each - (first.spacing[at] ?? 0)) < 1e-3 * each);
  if (!has(isAlike)) return "spacings";
  return null;
}

function tiltOf(positions: readonly Vector[], normal: Vector): number {
  const [first, last] = [positions[0], positions.at(-1)];
  if (!first || !last) return 0;
  const way = add(last, first, -1);
  const cosine = Math.min(1, Math.abs(dot(way, normal)) / (lengthOf(way) || 1));
  return (Math.acos(cosine) * 180) / Math.PI;
}

/** The same volume in other pixels, from edge to edge of its slices. */
export function regridded(frame: Frame, rows: number, columns: number): Frame {
  const spacing: [number, number] = [
    (frame.spacing[0] * frame.rows) / rows,
    (frame.spacing[1] * frame.columns) / columns,
  ];
  // The centre of the first pixel moves, its outer corner stays.
  const [down, across] = [
    (spacing[0] - frame.spacing[0]) / 2,
    (spacing[1] - frame.spacing[1]) / 2,
  ];
  const origins = frame.origins.map((origin) =>
    add(add(origin, frame.along, across), frame.down, down),
  );
  return { ...frame, rows, columns, spacing, origins };
}

/** Bytes that the values of a volume need. */
export function bytesOf({ rows, columns, origins }: Frame, perValue: 2 | 4): number {
  return rows * columns * origins.length * perValue;
}

/** The box around a volume in the patient: its least and its greatest corner, pixels whole. */
export function extentOf(frame: Frame): [Vector, Vector] {
  const ends = [frame.origins[0], frame.origins.at(-1)] as const;
  const corners = ends.flatMap((origin) =>
    [-0.5, frame.columns - 0.5].flatMap((column) =>
      [-0.5, frame.rows - 0.5].map((row) => {
        const beside = add(origin ?? [0, 0, 0], frame.along, column * frame.spacing[1]);
        return add(beside, frame.down, row * frame.spacing[0]);
      }),
    ),
  );
  const side = (at: 0 | 1 | 2, pick: (...of: number[]) => number) =>
    pick(...corners.map((corner) => corner[at]));
  return [
    [side(0, Math.min), side(1, Math.min), side(2, Math.min)],
    [side(0, Math.max), side(1, Math.max), side(2, Math.max)],
  ];
}
