/** What a shape measures, in numbers. */

import type { Calibration } from "./calibration";
import type { Point } from "./matrix";
import { bounds, type Shape } from "./shape";
import { type Statistics, statisticsOf, type Values, valueAt } from "./statistics";

/** Everything that can be said of a shape; what does not apply is null. */
export interface Reading {
  readonly calibration: Calibration;
  /** mm or px. */
  readonly length: number | null;
  /** Degrees, 0..180. */
  readonly angle: number | null;
  /** mm² or px². */
  readonly area: number | null;
  readonly statistics: Statistics | null;
  /** Of the pixel under a probe. */
  readonly value: number | null;
  /** Unit of `value` and `statistics`. */
  readonly unit: string;
}

/** The way from one point to another, in mm or px. */
export function lengthOf(from: Point, to: Point, { spacing }: Calibration): number {
  return Math.hypot((to[0] - from[0]) * spacing[1], (to[1] - from[1]) * spacing[0]);
}

/** The angle at the second point, in degrees; null where a side has no length. */
export function angleOf(
  points: readonly Point[],
  { spacing }: Calibration,
): number | null {
  const [p, vertex, q] = points;
  if (!p || !vertex || !q) return null;
  const side = (end: Point) => [
    (end[0] - vertex[0]) * spacing[1],
    (end[1] - vertex[1]) * spacing[0],
  ];
  const [ax = 0, ay = 0] = side(p);
  const [bx = 0, by = 0] = side(q);
  if (Math.hypot(ax, ay) === 0 || Math.hypot(bx, by) === 0) return null;
  const turn = Math.atan2(ax * by - ay * bx, ax * bx + ay * by);
  return (Math.abs(turn) * 180) / Math.PI;
}

/** The area of a rectangle or an ellipse, in mm² or px². */
export function areaOf(
  kind: "rectangle" | "ellipse",
  corners: readonly Point[],
  { spacing }: Calibration,
): number {
  const [left, top, right, bottom] = bounds(corners);
  const box = (right - left) * spacing[1] * (bottom - top) * spacing[0];
  return kind === "rectangle" ? box : (box * Math.PI) / 4;
}

/**
 * Read a shape.
 *
 * @param image its rescaled values; null for colour and where they are not loaded.
 */
export function read(
  { kind, points }: Pick<Shape, "kind" | "points">,
  calibration: Calibration,
  image: Values | null,
): Reading {
  const isBox = kind === "rectangle" || kind === "ellipse";
  const [p, q] = points;
  return {
    calibration,
    length: kind === "length" && p && q ? lengthOf(p, q, calibration) : null,
    angle: kind === "angle" ? angleOf(points, calibration) : null,
    area: isBox ? areaOf(kind, points, calibration) : null,
    statistics: isBox && image ? statisticsOf(image, kind, points) : null,
    value: kind === "probe" && image && p ? valueAt(image, p) : null,
    unit: image?.unit ?? "",
  };
}
