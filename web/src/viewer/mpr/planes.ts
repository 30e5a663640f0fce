/** Axial, sagittal and coronal planes through one point of the patient. */

import type { Plane } from "./reslice";
import { add, dot, type Vector } from "./vector";
import { extentOf, type Frame } from "./volume";

export const VIEWS = ["axial", "sagittal", "coronal"] as const;
export type View = (typeof VIEWS)[number];

/**
 * How each view is hung: axial from the feet, coronal from the front, sagittal from the
 * left, as radiologists look at them. `normal` is the way of the scroll.
 */
export const AXES: Readonly<
  Record<View, { along: Vector; down: Vector; normal: Vector }>
> = {
  axial: { along: [1, 0, 0], down: [0, 1, 0], normal: [0, 0, 1] },
  coronal: { along: [1, 0, 0], down: [0, 0, -1], normal: [0, 1, 0] },
  sagittal: { along: [0, 1, 0], down: [0, 0, -1], normal: [1, 0, 0] },
};

/** Letters at the left, right, upper and lower edge. */
export const LETTERS: Readonly<Record<View, readonly [string, string, string, string]>> =
  {
    axial: ["R", "L", "A", "P"],
    coronal: ["R", "L", "H", "F"],
    sagittal: ["A", "P", "H", "F"],
  };

/** Largest side of a plane in pixels: above it the pixels grow. */
const MOST_SIDE = 1024;

/** mm from one step of the scroll to the next, and of a plane's pixels. */
export function stepOf(frame: Frame): number {
  return Math.min(frame.spacing[0], frame.spacing[1], frame.gaps[0]);
}

/** The plane of a view through a point; it covers the whole volume. */
export function planeOf(frame: Frame, view: View, through: Vector): Plane {
  const { along, down, normal } = AXES[view];
  const [least, most] = extentOf(frame);
  const [left, right] = side(along, least, most);
  const [top, bottom] = side(down, least, most);
  const finest = Math.min(frame.spacing[0], frame.spacing[1]);
  const size = Math.max(finest, (right - left) / MOST_SIDE, (bottom - top) / MOST_SIDE);
  let origin: Vector = [0, 0, 0];
  origin = add(origin, along, left + size / 2);
  origin = add(origin, down, top + size / 2);
  origin = add(origin, normal, dot(normal, through));
  return {
    origin,
    along,
    down,
    size,
    rows: Math.max(1, Math.ceil((bottom - top) / size - 1e-6)),
    columns: Math.max(1, Math.ceil((right - left) / size - 1e-6)),
  };
}

/** From where to where a box reaches along an axis, in mm. */
function side(axis: Vector, least: Vector, most: Vector): [number, number] {
  const [a, b] = [dot(axis, least), dot(axis, most)];
  return a < b ? [a, b] : [b, a];
}

/** The point of the patient under a point of a plane (edges from 0, in its pixels). */
export function pointOn(plane: Plane, [x, y]: readonly [number, number]): Vector {
  const beside = add(plane.origin, plane.along, (x - 0.5) * plane.size);
  return add(beside, plane.down, (y - 0.5) * plane.size);
}

/** Where a point of the patient is seen on a plane, in its pixels, edges from 0. */
export function seenOn(plane: Plane, point: Vector): [number, number] {
  const off = add(point, plane.origin, -1);
  return [
    dot(plane.along, off) / plane.size + 0.5,
    dot(plane.down, off) / plane.size + 0.5,
  ];
}

/** A point drawn back into the volume's box. */
export function into(frame: Frame, point: Vector): Vector {
  const [least, most] = extentOf(frame);
  const held = (at: 0 | 1 | 2) => Math.min(Math.max(point[at], least[at]), most[at]);
  return [held(0), held(1), held(2)];
}

/** The middle of a volume. */
export function middleOf(frame: Frame): Vector {
  const [least, most] = extentOf(frame);
  return add(least, add(most, least, -1), 0.5);
}

/** How many steps a view has, and at which of them a point lies, from 0. */
export function stepsOf(
  frame: Frame,
  view: View,
  through: Vector,
): { at: number; count: number } {
  const { normal } = AXES[view];
  const [least, most] = extentOf(frame);
  const [low, high] = side(normal, least, most);
  const step = stepOf(frame);
  const count = Math.max(1, Math.round((high - low) / step));
  const at = Math.floor((dot(normal, through) - low) / step + 1e-9);
  return { at: Math.min(Math.max(at, 0), count - 1), count };
}

/** The point moved to a step of a view, in the middle of it. */
export function atStep(frame: Frame, view: View, through: Vector, step: number): Vector {
  const { normal } = AXES[view];
  const [least, most] = extentOf(frame);
  const [low] = side(normal, least, most);
  return throughOf(through, view, low + (step + 0.5) * stepOf(frame));
}

/** The point moved along the normal of the slices to a depth of theirs. */
export function depthOn(frame: Frame, through: Vector, depth: number): Vector {
  return into(frame, add(through, frame.normal, depth - dot(frame.normal, through)));
}

/** The point moved along the normal of a view to `at` mm. */
export function throughOf(through: Vector, view: View, at: number): Vector {
  const { normal } = AXES[view];
  return add(through, normal, at - dot(normal, through));
}
