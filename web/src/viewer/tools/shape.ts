/** What a reader measures with: shapes as points on one image. */

import { type ImageAddress, imageKey, type Measured } from "~/viewer/stage";
import type { Point } from "./matrix";

export type Kind = Measured["kind"];

/** On one image of a series. */
export interface OnImage {
  readonly kind: "image";
  readonly image: ImageAddress;
  /** Of the image in its series as it was shown, from 0. */
  readonly index: number;
}

/** On a plane through the volume of a series. */
export interface OnPlane {
  readonly kind: "plane";
  readonly view: "axial" | "sagittal" | "coronal";
  /** Where the plane cuts the axis that it stands on: mm in the patient (LPS). */
  readonly at: number;
  /** Of the slab whose brightest values were shown, mm; 0 for one plane. */
  readonly slab: number;
}

/** What a shape is drawn on, within its series. */
export type Where = OnImage | OnPlane;

/**
 * A shape. Its points: both ends of a length; end, vertex and end of an angle; two opposite
 * corners of a rectangle or of the box around an ellipse; the one of a probe.
 */
export interface Shape {
  readonly id: string;
  readonly kind: Kind;
  readonly series: string;
  readonly where: Where;
  /**
   * On an image in its pixels, edges from 0 at the upper left. On a plane in mm of the
   * patient: along its rows and down its columns, so that they outlive another volume.
   */
  readonly points: readonly Point[];
}

/** A key of what a shape is drawn on; planes are told apart by a hundredth of a mm. */
export function whereKey({ series, where }: Pick<Shape, "series" | "where">): string {
  return where.kind === "image"
    ? imageKey(where.image)
    : `${series}/${where.view}/${where.at.toFixed(2)}/${where.slab}`;
}

/** Points that a person sets for each kind. */
export const POINTS: Readonly<Record<Kind, number>> = {
  length: 2,
  angle: 3,
  rectangle: 2,
  ellipse: 2,
  probe: 1,
};

/** Tools of the left button that measure. */
export const KINDS = ["length", "angle", "rectangle", "ellipse", "probe"] as const;

export const isKind = (tool: string): tool is Kind => Object.hasOwn(POINTS, tool);

/** Size of an image in pixels. */
export interface Size {
  readonly rows: number;
  readonly columns: number;
}

export const isRegion = (kind: Kind): boolean =>
  kind === "rectangle" || kind === "ellipse";

/** Where a shape can be taken hold of: its points; of regions all four corners. */
export function handlesOf({ kind, points }: Pick<Shape, "kind" | "points">): Point[] {
  const [p, q] = points;
  if (!isRegion(kind) || !p || !q) return [...points];
  return [p, [q[0], p[1]], q, [p[0], q[1]]];
}

/** The points with one handle somewhere else; the opposite corner of a region stays. */
export function withHandle(
  { kind, points }: Pick<Shape, "kind" | "points">,
  handle: number,
  to: Point,
): Point[] {
  const [p, q] = points;
  if (!isRegion(kind) || !p || !q) {
    return points.map((point, at) => (at === handle ? to : point));
  }
  const isLeft = handle === 0 || handle === 3;
  const isTop = handle === 0 || handle === 1;
  return [
    [isLeft ? to[0] : p[0], isTop ? to[1] : p[1]],
    [isLeft ? q[0] : to[0], isTop ? q[1] : to[1]],
  ];
}

/** The points moved together; they stay on the image and keep their form. */
export function movedBy(points: readonly Point[], step: Point, size: Size): Point[] {
  const dx = within(step[0], points.map(([x]) => x), size.columns); // biome-ignore format: one line a direction
  const dy = within(step[1], points.map(([, y]) => y), size.rows); // biome-ignore format: one line a direction
  return points.map(([x, y]) => [x + dx, y + dy]);
}

function within(step: number, at: readonly number[], end: number): number {
  return Math.min(Math.max(step, -Math.min(...at)), end - Math.max(...at));
}

/** A point drawn back onto the image. */
export function onto([x, y]: Point, { rows, columns }: Size): Point {
  return [Math.min(Math.max(x, 0), columns), Math.min(Math.max(y, 0), rows)];
}

/** (left, top, right, bottom) of some points. */
export function bounds(points: readonly Point[]): [number, number, number, number] {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** True for a shape that a person meant and not a click that slipped. */
export function isLarge({ kind, points }: Pick<Shape, "kind" | "points">): boolean {
  if (kind === "probe") return points.length === 1;
  const [left, top, right, bottom] = bounds(points);
  return isRegion(kind)
    ? right - left >= 1 && bottom - top >= 1
    : Math.hypot(right - left, bottom - top) >= 1;
}
