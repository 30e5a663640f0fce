/** Which layers lie on the image that a pane shows. */

import type { ReadonlySignal } from "@preact/signals";
import type { Pane } from "~/viewer/stack/pane_state";
import {
  type BoxLayer,
  type EvidenceLayer,
  imageKey,
  type Layer,
  type MaskLayer,
  type Stage,
} from "~/viewer/stage";
import type { Matrix } from "~/viewer/tools/matrix";
import type { Size } from "~/viewer/tools/shape";
import type { Grey } from "./contour";
import { type Source, sourceOf } from "./source";

/** A map or mask with its picture of the image that is shown. */
export interface SeenPicture {
  readonly layer: EvidenceLayer | MaskLayer;
  readonly state: Source["kind"] | "misfit" | "large";
  readonly grey: Grey | null;
  /** Of a mask: the value of its pixels. */
  readonly value: number;
  /** True while a reader paints it. */
  readonly isPainted: boolean;
}

/** What layers lie over: the image of a pane, or a plane through a volume. */
export interface LaidOver {
  /** Maps and masks, from below upwards, and boxes; both read signals. */
  readonly pictures: () => readonly SeenPicture[];
  readonly boxes: () => readonly BoxLayer[];
  readonly extent: ReadonlySignal<Size | null>;
  /** Pixels of what they lie over → pixels of the canvas, and its size. */
  readonly matrix: ReadonlySignal<Matrix | null>;
  readonly size: ReadonlySignal<{ readonly width: number; readonly height: number }>;
  /** The same → CSS pixels. */
  readonly placed: ReadonlySignal<Matrix | null>;
}

/** The image of a pane as something that layers lie over. */
export function overPane(stage: Stage, pane: Pane): LaidOver {
  return {
    pictures: () => picturesOn(stage, pane),
    boxes: () => boxesOn(stage, pane),
    extent: pane.extent,
    matrix: pane.matrix,
    size: pane.size,
    placed: pane.placed,
  };
}

/** Maps and masks of the image that is shown, from below upwards; reads signals. */
export function picturesOn(stage: Stage, pane: Pane): readonly SeenPicture[] {
  const image = pane.shown.value?.image;
  const size = pane.extent.value;
  if (!image || !size) return [];
  const key = imageKey(image.address);
  const painted = stage.painted.value;
  const found = visible(stage).flatMap((layer): SeenPicture[] => {
    if (layer.kind === "box") return [];
    const pixels = layer.kind === "mask" && painted.get(layer.id)?.get(key);
    if (pixels && pixels.length === size.rows * size.columns) {
      return [paintedPicture(layer, pixels, size)];
    }
    const address = layer.pictureOf(image.address);
    return address ? [pictureOf(layer, sourceOf(address).value, size)] : [];
  });
  return [...found, ...newPainted(stage, key, size)];
}

function pictureOf(
  layer: EvidenceLayer | MaskLayer,
  source: Source,
  size: { rows: number; columns: number },
): SeenPicture {
  const grey = source.kind === "here" ? source.grey : null;
  const value = layer.kind === "mask" ? layer.value : 0;
  const isFit =
    layer.kind !== "mask" ||
    !grey ||
    (grey.rows === size.rows && grey.columns === size.columns);
  return isFit
    ? { layer, state: source.kind, grey, value, isPainted: false }
    : { layer, state: "misfit", grey: null, value, isPainted: false };
}

function paintedPicture(
  layer: EvidenceLayer | MaskLayer,
  values: Uint8Array,
  { rows, columns }: { rows: number; columns: number },
): SeenPicture {
  return {
    layer,
    state: "here",
    grey: { rows, columns, values },
    value: 1,
    isPainted: true,
  };
}

/** What is painted into a mask that no layer stands for yet. */
function newPainted(
  stage: Stage,
  key: string,
  size: { rows: number; columns: number },
): SeenPicture[] {
  const editing = stage.editing.value;
  if (editing?.kind !== "brush") return [];
  if (stage.layers.value.some(({ id }) => id === editing.id)) return [];
  const pixels = stage.painted.value.get(editing.id)?.get(key);
  if (pixels?.length !== size.rows * size.columns) return [];
  const layer: MaskLayer = {
    kind: "mask",
    id: editing.id,
    label: "",
    colour: 1,
    isVisible: true,
    value: 1,
    pictureOf: () => null,
  };
  return [paintedPicture(layer, pixels, size)];
}

/** Boxes of the image that is shown; the one that is edited stands apart. */
export function boxesOn(stage: Stage, pane: Pane): readonly BoxLayer[] {
  const image = pane.shown.value?.image;
  if (!image) return [];
  const key = imageKey(image.address);
  const editing = stage.editing.value;
  return visible(stage).filter(
    (layer): layer is BoxLayer =>
      layer.kind === "box" &&
      imageKey(layer.image) === key &&
      !(editing?.kind === "box" && editing.id === layer.id),
  );
}

/** Layers that nobody put away. */
export function visible(stage: Stage): readonly Layer[] {
  if (stage.areHidden.value) return [];
  return stage.layers.value.filter(({ isVisible }) => isVisible);
}
