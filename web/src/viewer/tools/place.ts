/** Setting the points of a shape one after another, by pointer or by keys. */

import type { Point } from "./matrix";
import { isLarge, type Kind, onto, POINTS, type Shape, type Size } from "./shape";

/** Series, and image or plane, that a shape is drawn on. */
export type Spot = Pick<Shape, "series" | "where">;

/** A shape that is not finished. */
export interface Placing {
  readonly kind: Kind;
  readonly spot: Spot;
  /** Points that are set, in pixels of what is drawn on. */
  readonly points: readonly Point[];
  /** The one that still moves. */
  readonly at: Point;
  readonly by: "pointer" | "keys";
}

/** Begin; by pointer the first point is where it went down, by keys it still moves. */
export function begin(kind: Kind, spot: Spot, at: Point, by: Placing["by"]): Placing {
  return { kind, spot, points: by === "pointer" ? [at] : [], at, by };
}

/** The moving point somewhere else on the image. */
export function moveTo(placing: Placing, at: Point, size: Size): Placing {
  return { ...placing, at: onto(at, size) };
}

/** All points, the moving one last, as it is drawn. */
export function drawn({ kind, points, at }: Placing): readonly Point[] {
  return points.length < POINTS[kind] ? [...points, at] : points;
}

/**
 * Set the moving point.
 *
 * @returns what is to be set next, or the finished points.
 */
export function settle(
  placing: Placing,
): { next: Placing } | { points: readonly Point[] } {
  const points = drawn(placing);
  if (points.length < POINTS[placing.kind]) return { next: { ...placing, points } };
  // A second click on the same place sets nothing: the point goes on moving.
  return isLarge({ kind: placing.kind, points }) ? { points } : { next: placing };
}

/** How far a pointer may slip in CSS pixels and still have clicked. */
export const SLIP = 4;
