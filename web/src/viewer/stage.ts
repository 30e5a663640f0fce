/**
 * What the viewer and the panels beside it share: the images on the screen, the layers
 * over them, and what a reader does to these. Nothing here touches the page.
 */

import { type Signal, signal } from "@preact/signals";

/** One image: SOP Instance UID and frame, counted from 1. */
export interface ImageAddress {
  readonly sop: string;
  readonly frame: number;
}

/** (left, top, right, bottom) in pixels of the image, edges counted from 0 at the upper left. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

interface LayerBase {
  /** Unique on the stage: "evidence/0/1". */
  readonly id: string;
  /** For people: the finding's name. */
  readonly label: string;
  /** Which of the eight layer colours (`--layer-0` …) it has; never told by colour alone. */
  readonly colour: number;
  readonly isVisible: boolean;
}

/** A map of support: an 8-bit grey picture from edge to edge of the image, 0 for none. */
export interface EvidenceLayer extends LayerBase {
  readonly kind: "evidence";
  /** Address of the picture of an image, null where there is none. */
  readonly pictureOf: (image: ImageAddress) => string | null;
}

/** A mask: an 8-bit picture at the image's size; voxels that are `value` belong to it. */
export interface MaskLayer extends LayerBase {
  readonly kind: "mask";
  readonly value: number;
  readonly pictureOf: (image: ImageAddress) => string | null;
}

/** A box on one image. */
export interface BoxLayer extends LayerBase {
  readonly kind: "box";
  readonly image: ImageAddress;
  readonly box: Box;
  /** Drawn by a reader and not by a model. */
  readonly isReaders: boolean;
}

export type Layer = EvidenceLayer | MaskLayer | BoxLayer;

/** What is on the screen of the active pane. */
export interface Shown {
  readonly study: number;
  readonly series: string;
  readonly image: ImageAddress;
  /** Of the image within its series, from 0. */
  readonly index: number;
  readonly count: number;
  /** Size in pixels of the image. */
  readonly rows: number;
  readonly columns: number;
  /** (row, column) in mm, null where it is not calibrated. */
  readonly spacing: readonly [number, number] | null;
}

/** What a reader is changing on the image. */
export type Editing =
  | {
      readonly kind: "box";
      /** Layer that is moved, or a new id for a new box. */
      readonly id: string;
      readonly image: ImageAddress;
      readonly box: Box | null;
    }
  | {
      readonly kind: "brush";
      readonly id: string;
      /** In pixels of the image. */
      readonly radius: number;
      readonly isErasing: boolean;
    };

/** A mask that a reader paints: image key → 0 or 1 of each pixel, row by row. */
export type Painted = ReadonlyMap<string, Uint8Array>;

/** Something measured by a reader, as text for a report. */
export interface Measured {
  readonly id: string;
  readonly kind: "length" | "angle" | "rectangle" | "ellipse" | "probe";
  /** "23.4 mm"; with statistics for regions. */
  readonly text: string;
  /** With what it is and where: "Length 23.4 mm (series 3, image 12)". */
  readonly line: string;
}

/** The shared state of one open study. */
export interface Stage {
  readonly layers: Signal<readonly Layer[]>;
  /** The hide key: all layers away at once. */
  readonly areHidden: Signal<boolean>;
  /** Of evidence and masks, 0..1. */
  readonly opacity: Signal<number>;
  /** Masks and evidence as contours and not as colour. */
  readonly isOutline: Signal<boolean>;
  /** Layer that a reader picked, here or there. */
  readonly selected: Signal<string | null>;
  /** Written by the viewer. */
  readonly shown: Signal<Shown | null>;
  /** Asked of the viewer: show this image; `count` tells two requests apart. */
  readonly wanted: Signal<{
    readonly image: ImageAddress;
    readonly count: number;
  } | null>;
  readonly editing: Signal<Editing | null>;
  /** Written by the viewer while `editing` is a brush; layer id → what was painted. */
  readonly painted: Signal<ReadonlyMap<string, Painted>>;
  /** Written by the viewer's tools. */
  readonly measured: Signal<readonly Measured[]>;
}

/** An empty stage. */
export function createStage(): Stage {
  return {
    layers: signal<readonly Layer[]>([]),
    areHidden: signal(false),
    opacity: signal(0.5),
    isOutline: signal(false),
    selected: signal<string | null>(null),
    shown: signal<Shown | null>(null),
    wanted: signal<{ image: ImageAddress; count: number } | null>(null),
    editing: signal<Editing | null>(null),
    painted: signal<ReadonlyMap<string, Painted>>(new Map()),
    measured: signal<readonly Measured[]>([]),
  };
}

/** Ask the viewer to show an image. */
export function showImage(stage: Stage, image: ImageAddress): void {
  stage.wanted.value = { image, count: (stage.wanted.peek()?.count ?? 0) + 1 };
}

/** A key of an image for maps. */
export function imageKey(image: ImageAddress): string {
  return `${image.sop}#${image.frame}`;
}
