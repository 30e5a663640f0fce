/** Where an image lies on its canvas: fit, zoom, pan, turn, flip. Pure geometry. */

import type { ImageInfo } from "../load/image";
import { layoutOfImage } from "../load/size";

/** A point, (x, y); of images (0, 0) is the upper left corner of the first pixel. */
export type Point = readonly [x: number, y: number];

/** x' = a x + c y + e, y' = b x + d y + f, as CanvasRenderingContext2D has it. */
export interface Matrix {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export type Turn = 0 | 90 | 180 | 270;

/** How a reader has laid the image, in pixels of the canvas. */
export interface View {
  /** Pixels of the canvas for one of the image (its finer side); null: fitted. */
  readonly zoom: number | null;
  /** Where the image's centre is, from the canvas' centre. */
  readonly pan: Point;
  /** Clockwise, degrees; the flips come after it, as they are seen. */
  readonly turn: Turn;
  readonly isFlippedAcross: boolean;
  readonly isFlippedDown: boolean;
}

/** Pixels, and how wide and high one is in proportion (the finer side is 1). */
export interface Extent {
  readonly columns: number;
  readonly rows: number;
  readonly wide: number;
  readonly high: number;
}

/** Pixels of a canvas. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

export const START: View = {
  zoom: null,
  pan: [0, 0],
  turn: 0,
  isFlippedAcross: false,
  isFlippedDown: false,
};

export const LEAST_ZOOM = 0.02;
export const MOST_ZOOM = 64;

/** The extent of an image with the right proportions, null where it has no pixels. */
export function extentOf(image: ImageInfo): Extent | null {
  const layout = layoutOfImage(image);
  if (!layout) return null;
  const { row, column } = image.spacing;
  const finer = Math.min(row, column);
  const { rows, columns } = layout;
  return { rows, columns, wide: column / finer, high: row / finer };
}

/** The zoom at which the whole image is just seen. */
export function fitZoom(extent: Extent, size: Size, turn: Turn): number {
  const [across, down] = [extent.columns * extent.wide, extent.rows * extent.high];
  const [width, height] = turn % 180 === 0 ? [across, down] : [down, across];
  return Math.min(size.width / width, size.height / height);
}

/** The zoom that a view has on a canvas. */
export function zoomOf(view: View, extent: Extent, size: Size): number {
  return view.zoom ?? fitZoom(extent, size, view.turn);
}

const COSINES: Readonly<Record<Turn, number>> = { 0: 1, 90: 0, 180: -1, 270: 0 };
const SINES: Readonly<Record<Turn, number>> = { 0: 0, 90: 1, 180: 0, 270: -1 };

/** From pixels of the image to pixels of the canvas. */
export function matrixOf(view: View, extent: Extent, size: Size): Matrix {
  const zoom = zoomOf(view, extent, size);
  const [cos, sin] = [COSINES[view.turn], SINES[view.turn]];
  const [across, down] = [view.isFlippedAcross ? -1 : 1, view.isFlippedDown ? -1 : 1];
  const [wide, high] = [zoom * extent.wide, zoom * extent.high];
  const [a, b] = [across * cos * wide, down * sin * wide];
  const [c, d] = [across * -sin * high, down * cos * high];
  const [x, y] = [extent.columns / 2, extent.rows / 2];
  const e = size.width / 2 + view.pan[0] - a * x - c * y;
  const f = size.height / 2 + view.pan[1] - b * x - d * y;
  // At one to one a pixel of the image is one of the canvas, not a part of four.
  return zoom === 1
    ? { a, b, c, d, e: Math.round(e), f: Math.round(f) }
    : { a, b, c, d, e, f };
}

/** The matrix for a canvas whose pixels are `ratio` times as large. */
export function scaled(matrix: Matrix, ratio: number): Matrix {
  const { a, b, c, d, e, f } = matrix;
  return {
    a: a * ratio,
    b: b * ratio,
    c: c * ratio,
    d: d * ratio,
    e: e * ratio,
    f: f * ratio,
  };
}

/** Zoomed by a factor around a point of the canvas, which stays where it is. */
export function zoomedAt(
  view: View,
  extent: Extent,
  size: Size,
  at: Point,
  factor: number,
): View {
  const old = zoomOf(view, extent, size);
  const zoom = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, old * factor));
  const [x, y] = [at[0] - size.width / 2, at[1] - size.height / 2];
  const share = zoom / old;
  return {
    ...view,
    zoom,
    pan: [x - (x - view.pan[0]) * share, y - (y - view.pan[1]) * share],
  };
}

/** Moved by pixels of the canvas. */
export function pannedBy(view: View, extent: Extent, size: Size, by: Point): View {
  const zoom = zoomOf(view, extent, size);
  return { ...view, zoom, pan: [view.pan[0] + by[0], view.pan[1] + by[1]] };
}

/** The whole image, turned and flipped as it is. */
export function fitted(view: View): View {
  return { ...view, zoom: null, pan: [0, 0] };
}

/** One pixel of the image on one of the canvas, around the same place. */
export function oneToOne(view: View, extent: Extent, size: Size): View {
  const share = 1 / zoomOf(view, extent, size);
  return { ...view, zoom: 1, pan: [view.pan[0] * share, view.pan[1] * share] };
}

/** Turned as it is seen, by a quarter; `clockwise` false turns back. */
export function turned(view: View, clockwise = true): View {
  // A mirror turns the sense of a rotation round.
  const isMirrored = view.isFlippedAcross !== view.isFlippedDown;
  const step = clockwise !== isMirrored ? 90 : 270;
  const [x, y] = view.pan;
  return {
    ...view,
    turn: ((view.turn + step) % 360) as Turn,
    pan: clockwise ? [-y, x] : [y, -x],
  };
}

/** Mirrored as it is seen, left to right or top to bottom. */
export function flipped(view: View, how: "across" | "down"): View {
  const [x, y] = view.pan;
  return how === "across"
    ? { ...view, isFlippedAcross: !view.isFlippedAcross, pan: [-x, y] }
    : { ...view, isFlippedDown: !view.isFlippedDown, pan: [x, -y] };
}
