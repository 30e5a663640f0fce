/** What a reader changes on the image: the box and the mask of `stage.editing`. */

import { effect, type Signal, signal } from "@preact/signals";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { type Box, type Editing, imageKey, type Painted } from "~/viewer/stage";
import { sizeOf } from "~/viewer/tools/ground";
import type { Point } from "~/viewer/tools/matrix";
import type { Size } from "~/viewer/tools/shape";
import { fill, type Mask, patchOf, put, stroke } from "./brush";
import { createHistory, type History } from "./history";
import { sourceOf } from "./source";

/** The edit of one desk. */
export interface Editor {
  readonly desk: Desk;
  readonly history: History;
  /** The next click fills an area. */
  readonly isFilling: Signal<boolean>;
  /** Where keys paint, in pixels of the image; null while they do not. */
  readonly cross: Signal<Point | null>;
}

const editors = new WeakMap<Desk, Editor>();

/** The editor of a desk. */
export function editorOf(desk: Desk): Editor {
  const known = editors.get(desk);
  if (known) return known;
  const made = {
    desk,
    history: createHistory(),
    isFilling: signal(false),
    cross: signal(null),
  };
  editors.set(desk, made);
  return made;
}

/** Another edit begins without the steps of the one before; returns what ends it. */
export function keepFresh(editor: Editor): () => void {
  let id: string | null = null;
  return effect(() => {
    const next = editor.desk.stage.editing.value?.id ?? null;
    if (next === id) return;
    id = next;
    editor.history.clear();
    editor.isFilling.value = false;
    editor.cross.value = null;
  });
}

type BoxEditing = Extract<Editing, { kind: "box" }>;
type BrushEditing = Extract<Editing, { kind: "brush" }>;

/** The box being edited, if it lies on the image that a pane shows. */
export function boxOn({ desk }: Editor, pane: Pane): BoxEditing | null {
  const editing = desk.stage.editing.value;
  const image = pane.shown.value?.image;
  if (editing?.kind !== "box" || !image) return null;
  return imageKey(editing.image) === imageKey(image.address) ? editing : null;
}

/** Show a box while it is moved. */
export function previewBox({ desk }: Editor, box: Box): void {
  const editing = desk.stage.editing.peek();
  if (editing?.kind === "box") desk.stage.editing.value = { ...editing, box };
}

/** Set the box; undo brings back the one before. */
export function setBox(editor: Editor, before: Box | null, box: Box): void {
  const show = (to: Box | null) => () => {
    const editing = editor.desk.stage.editing.peek();
    if (editing?.kind === "box")
      editor.desk.stage.editing.value = { ...editing, box: to };
  };
  show(box)();
  editor.history.add({ undo: show(before), redo: show(box), bytes: 64 });
}

/** The brush in hand. */
export function brushOf({ desk }: Editor): BrushEditing | null {
  const editing = desk.stage.editing.value;
  return editing?.kind === "brush" ? editing : null;
}

/**
 * The mask that a brush paints on the image of a pane: what was painted before, or the
 * pixels of the layer, or nothing yet. Null while the layer's picture is still loading.
 */
export function maskOn(editor: Editor, pane: Pane): Mask | null {
  const [brush, image, size] = [brushOf(editor), pane.shown.peek()?.image, sizeOf(pane)];
  if (!brush || !image || !size) return null;
  const { stage } = editor.desk;
  const known = stage.painted.peek().get(brush.id)?.get(imageKey(image.address));
  if (known?.length === size.rows * size.columns) return { ...size, pixels: known };
  const layer = stage.layers.peek().find(({ id }) => id === brush.id);
  const address = layer?.kind === "mask" ? layer.pictureOf(image.address) : null;
  if (!address || layer?.kind !== "mask") return blank(size);
  const source = sourceOf(address).peek();
  if (source.kind !== "here") return null;
  const { values, rows, columns } = source.grey;
  if (rows !== size.rows || columns !== size.columns) return blank(size);
  return { ...size, pixels: values.map((value) => (value === layer.value ? 1 : 0)) };
}

function blank(size: Size): Mask {
  return { ...size, pixels: new Uint8Array(size.rows * size.columns) };
}

/** A stroke that has begun; the mask is shown as it grows. */
export interface Stroke {
  readonly to: (point: Point) => void;
  /** Ends it as one step of undo. */
  readonly end: () => void;
}

/** Begin to paint on a pane; null where nothing can be painted. */
export function beginStroke(editor: Editor, pane: Pane, at: Point): Stroke | null {
  const [brush, mask, image] = [
    brushOf(editor),
    maskOn(editor, pane),
    pane.shown.peek()?.image,
  ];
  if (!brush || !mask || !image) return null;
  const key = imageKey(image.address);
  const before = mask.pixels.slice();
  const show = () => showMask(editor, brush.id, key, mask);
  let last = at;
  const to = (point: Point) => {
    stroke(mask, last, point, brush.radius, brush.isErasing ? 0 : 1);
    last = point;
    show();
  };
  const end = () => keepStep(editor, brush.id, key, before, mask);
  if (!editor.isFilling.peek()) {
    to(at);
    return { to, end };
  }
  fill(mask, at, brush.isErasing ? 0 : 1);
  show();
  return { to: () => {}, end };
}

function keepStep(
  editor: Editor,
  id: string,
  key: string,
  before: Uint8Array,
  mask: Mask,
): void {
  const patch = patchOf(key, before, mask);
  if (!patch) return;
  const again = (which: "before" | "after") => () => {
    put(mask, patch, which);
    showMask(editor, id, key, mask);
  };
  const bytes = 2 * patch.before.length;
  editor.history.add({ undo: again("before"), redo: again("after"), bytes });
}

function showMask({ desk }: Editor, id: string, key: string, mask: Mask): void {
  const { painted } = desk.stage;
  const images: Painted = new Map(painted.peek().get(id)).set(key, mask.pixels);
  painted.value = new Map(painted.peek()).set(id, images);
}

/** Change what is in hand: size, painting or erasing. */
export function changeBrush(editor: Editor, to: Partial<BrushEditing>): void {
  const brush = brushOf(editor);
  if (brush) editor.desk.stage.editing.value = { ...brush, ...to };
}

export const LEAST_RADIUS = 0.5;
export const MOST_RADIUS = 200;

/** A brush some steps larger or smaller: a pixel each for small ones, a fifth for large. */
export function resizeBrush(editor: Editor, sign: 1 | -1): void {
  const brush = brushOf(editor);
  if (!brush) return;
  const step = Math.max(brush.radius < 3 ? 0.5 : 1, Math.round(brush.radius / 5));
  const radius = Math.min(
    MOST_RADIUS,
    Math.max(LEAST_RADIUS, brush.radius + sign * step),
  );
  changeBrush(editor, { radius });
}
