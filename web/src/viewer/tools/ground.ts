/** What is measured on: the image of a pane, or a plane through a volume. */

import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Calibration } from "./calibration";
import { type Matrix, type Point, screenStep } from "./matrix";
import type { Spot } from "./place";
import type { Shape, Size } from "./shape";
import type { Values } from "./statistics";

/** One surface on the screen. Its functions read signals. */
export interface Ground {
  /** Unique on the page: "pane-0", "plane-axial". */
  readonly key: string;
  /** Our number of the study, 0 before there is one. */
  readonly study: () => number;
  /** What the left button can do here, and what it does. */
  readonly tools: readonly string[];
  readonly tool: Signal<string>;
  /** Its pixels → CSS pixels from its upper left; null before it is seen. */
  readonly placed: ReadonlySignal<Matrix | null>;
  readonly extent: ReadonlySignal<Size | null>;
  /** What a new shape is drawn on; null before there is a picture. */
  readonly spot: () => Spot | null;
  readonly values: () => Values | null;
  readonly calibration: (points: readonly Point[]) => Calibration;
  /** True for a shape that belongs to what is shown now. */
  readonly holds: (shape: Spot) => boolean;
  /** Points of a shape in pixels of this ground, and back. */
  readonly seen: (shape: Pick<Shape, "points">) => readonly Point[];
  readonly kept: (points: readonly Point[]) => readonly Point[];
  /** True while shapes can be changed: not while something else is edited. */
  readonly isFree: () => boolean;
  /** Make it the one that keys work on. */
  readonly take: () => void;
}

/** Size in pixels; null before there is a picture. */
export function sizeOf(on: Pick<Ground, "extent">): Size | null {
  const { value } = on.extent;
  return value && { rows: value.rows, columns: value.columns };
}

/** The step in pixels of the ground that an arrow key makes on the screen. */
export function arrowStep(
  on: Pick<Ground, "placed">,
  toward: Point,
  isFar: boolean,
): Point {
  const matrix = on.placed.value;
  const [x, y] = matrix ? screenStep(matrix, toward) : toward;
  const length = isFar ? 10 : 1;
  return [x * length, y * length];
}

/** The middle of the ground, in its pixels. */
export function middleOf(on: Pick<Ground, "extent">): Point {
  const size = sizeOf(on);
  return size ? [Math.floor(size.columns / 2), Math.floor(size.rows / 2)] : [0, 0];
}
