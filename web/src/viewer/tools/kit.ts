/** What a reader has in hand: tool, measurements, and what is being placed. */

import { type Signal, signal } from "@preact/signals";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { imageKey } from "~/viewer/stage";
import { type Calibration, calibrationOf } from "./calibration";
import { type Point, screenStep } from "./matrix";
import { read } from "./measure";
import { pixelSizeOf, valuesOf } from "./pixel_size";
import { begin, drawn, moveTo, type Placing, settle } from "./place";
import { type Kind, POINTS, type Shape, type Size } from "./shape";
import { type Kept, openShelf, type Shelf } from "./shelf";

/** Tools of the left button that measure; the desk has the others. */
export const KINDS = ["length", "angle", "rectangle", "ellipse", "probe"] as const;

export const isKind = (tool: string): tool is Kind => Object.hasOwn(POINTS, tool);

/** The tools of one viewer. */
export interface Kit {
  readonly desk: Desk;
  /** A shape that is not finished, and the pane that it is drawn on. */
  readonly placing: Signal<{ readonly pane: number; readonly shape: Placing } | null>;
  /** The measurements of a study, by our number of it. */
  readonly shelf: (study: number) => Shelf;
  readonly shelfOf: (pane: Pane) => Shelf;
}

/** The tools for a desk. */
export function createKit(desk: Desk): Kit {
  const shelves = new Map<number, Shelf>();
  const shelf = (study: number) => {
    const found = shelves.get(study) ?? openShelf(study);
    shelves.set(study, found);
    return found;
  };
  return {
    desk,
    placing: signal(null),
    shelf,
    shelfOf: (pane) => shelf(pane.study.value?.id ?? 0),
  };
}

/** Size in pixels of the image that a pane shows. */
export function sizeOf(pane: Pane): Size | null {
  const { value } = pane.extent;
  return value && { rows: value.rows, columns: value.columns };
}

/** The calibration of a shape on the image that a pane shows. */
export function calibrationOn(pane: Pane, points: readonly Point[]): Calibration {
  const image = pane.shown.value?.image;
  return image
    ? calibrationOf(pixelSizeOf(image.data, image.address.frame), points)
    : { spacing: [1, 1], unit: "px", basis: "none" };
}

/** Shapes of the image that a pane shows. */
export function shapesOn(kit: Kit, pane: Pane): readonly Kept[] {
  const image = pane.shown.value?.image;
  if (!image) return [];
  const key = imageKey(image.address);
  return kit.shelfOf(pane).shapes.value.filter((each) => imageKey(each.image) === key);
}

/** The shape that is selected and on the screen of the active pane. */
export function selectedOn(kit: Kit, pane: Pane | null): Kept | null {
  if (!pane) return null;
  const id = kit.shelfOf(pane).selected.value;
  return id ? (shapesOn(kit, pane).find((each) => each.id === id) ?? null) : null;
}

/** A shape with what it measures on the image that the pane shows. */
export function measured(pane: Pane, shape: Shape): Kept {
  const calibration = calibrationOn(pane, shape.points);
  const values = valuesOf(pane.shown.value?.picture ?? null);
  return { ...shape, reading: read(shape, calibration, values) };
}

/** Begin a shape on a pane; nothing happens before there is an image. */
export function start(kit: Kit, pane: Pane, at: Point, by: Placing["by"]): void {
  const image = pane.shown.value?.image;
  const tool = kit.desk.tool.value;
  if (!image || !isKind(tool)) return;
  kit.shelfOf(pane).selected.value = null;
  const where = { series: image.series, image: image.address };
  kit.placing.value = { pane: pane.id, shape: begin(tool, where, at, by) };
  if (by === "pointer" && POINTS[tool] === 1) finish(kit, pane, [at], tool);
}

/** Move the point that is not set yet. */
export function place(kit: Kit, pane: Pane, at: Point): void {
  const now = kit.placing.value;
  const size = sizeOf(pane);
  if (!now || !size || now.pane !== pane.id) return;
  kit.placing.value = { pane: pane.id, shape: moveTo(now.shape, at, size) };
}

/** Set the point that moves; the shape is kept once it has all of them. */
export function set(kit: Kit, pane: Pane): void {
  const now = kit.placing.value;
  if (!now || now.pane !== pane.id) return;
  const found = settle(now.shape);
  if ("next" in found) kit.placing.value = { pane: pane.id, shape: found.next };
  else finish(kit, pane, found.points, now.shape.kind);
}

function finish(kit: Kit, pane: Pane, points: readonly Point[], kind: Kind): void {
  kit.placing.value = null;
  const image = pane.shown.value?.image;
  if (!image) return;
  const shelf = kit.shelfOf(pane);
  const shape: Shape = {
    id: crypto.randomUUID(),
    kind,
    series: image.series,
    image: image.address,
    index: pane.index.value,
    points,
  };
  shelf.put(measured(pane, shape));
  shelf.selected.value = shape.id;
}

/** The step in pixels of the image that an arrow key makes on a pane. */
export function arrowStep(pane: Pane, toward: Point, far: boolean): Point {
  const matrix = pane.placed.value;
  const [x, y] = matrix ? screenStep(matrix, toward) : toward;
  const length = far ? 10 : 1;
  return [x * length, y * length];
}

/** The middle of what is seen of a pane, in pixels of the image. */
export function middleOf(pane: Pane): Point {
  const size = sizeOf(pane);
  return size ? [Math.floor(size.columns / 2), Math.floor(size.rows / 2)] : [0, 0];
}

/** Points of an unfinished shape on this pane, null where there is none. */
export function placedOn(
  kit: Kit,
  pane: Pane,
): { shape: Placing; points: readonly Point[] } | null {
  const now = kit.placing.value;
  const image = pane.shown.value?.image;
  if (!now || now.pane !== pane.id || !image) return null;
  if (imageKey(image.address) !== imageKey(now.shape.image)) return null;
  return { shape: now.shape, points: drawn(now.shape) };
}
