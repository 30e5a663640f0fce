/** Stored values of one image with all that makes them grey or colour. */

import { isYbr, type Palette, type Rgb, throughPalette, toRgb } from "./colour";
import type { Layout } from "./layout";
import { type Lut, lookUp } from "./lut";
import type { Values } from "./unpack";
import { fullRange, type Voi } from "./voi";

/** Stored → rescaled values (PS3.3 C.11.1). */
export interface Modality {
  readonly slope: number;
  readonly intercept: number;
  readonly lut: Lut | null;
  readonly unit: string;
}

interface PictureBase {
  readonly rows: number;
  readonly columns: number;
  /** What it takes in memory. */
  readonly bytes: number;
  /** Overlay planes that lay in the stored pixels: place of the group → 0 or 1 a pixel. */
  readonly embedded?: ReadonlyMap<number, Uint8Array>;
}

/** One sample a pixel, shown through a window. */
export interface GreyPicture extends PictureBase {
  readonly kind: "grey";
  readonly stored: Values;
  readonly modality: Modality;
  readonly padding: readonly [low: number, high: number] | null;
  readonly isInverse: boolean;
  /** Smallest and largest stored value, padding and all. */
  readonly storedRange: readonly [low: number, high: number];
  /** Smallest and largest rescaled value, padding apart. */
  readonly range: readonly [low: number, high: number];
  /** What the file asks for, the first is shown; the whole range where it asks nothing. */
  readonly vois: readonly Voi[];
}

/** Three samples a pixel, shown as they are. */
export interface ColourPicture extends PictureBase {
  readonly kind: "colour";
  readonly rgb: Rgb;
  readonly vois: readonly Voi[];
}

export type Picture = GreyPicture | ColourPicture;

/** Colours as they are; a reader may window them all the same. */
const AS_IS = fullRange(0, 255);

/** A grey picture. */
export function greyPicture(
  stored: Values,
  layout: Layout,
  of: Pick<GreyPicture, "modality" | "padding" | "isInverse"> & { vois: readonly Voi[] },
): GreyPicture {
  const range = rangeOf(stored, of.modality, of.padding);
  return {
    kind: "grey",
    rows: layout.rows,
    columns: layout.columns,
    bytes: stored.byteLength,
    stored,
    modality: of.modality,
    padding: of.padding,
    isInverse: of.isInverse,
    storedRange: spanOfAll(stored),
    range,
    vois: of.vois.length > 0 ? of.vois : [fullRange(...range)],
  };
}

/** A picture of three samples. */
export function colourPicture(
  values: Values,
  layout: Layout,
  transferSyntax: string,
): ColourPicture {
  return asColour(
    toRgb(values, layout, isYbr(layout.photometric, transferSyntax)),
    layout,
  );
}

/** A picture whose stored values stand for colours. */
export function palettePicture(
  stored: Values,
  layout: Layout,
  palette: Palette,
): ColourPicture {
  return asColour(throughPalette(stored, palette), layout);
}

function asColour(rgb: Rgb, layout: Layout): ColourPicture {
  const { rows, columns } = layout;
  return { kind: "colour", rows, columns, bytes: rgb.byteLength, rgb, vois: [AS_IS] };
}

/** The rescaled value of a stored one. */
export function rescale(stored: number, modality: Modality): number {
  if (modality.lut) return lookUp(modality.lut, stored);
  return stored * modality.slope + modality.intercept;
}

/** The rescaled value at a pixel; null outside, for padding, and for colours. */
export function valueAt(picture: Picture, column: number, row: number): number | null {
  if (picture.kind === "colour") return null;
  if (column < 0 || row < 0 || column >= picture.columns || row >= picture.rows) {
    return null;
  }
  const stored = picture.stored[row * picture.columns + column] ?? 0;
  return isPadding(stored, picture.padding) ? null : rescale(stored, picture.modality);
}

/** Red, green and blue at a pixel; null outside and for grey. */
export function colourAt(
  picture: Picture,
  column: number,
  row: number,
): readonly [number, number, number] | null {
  if (picture.kind === "grey") return null;
  if (column < 0 || row < 0 || column >= picture.columns || row >= picture.rows) {
    return null;
  }
  const at = 3 * (row * picture.columns + column);
  const [red = 0, green = 0, blue = 0] = picture.rgb.subarray(at, at + 3);
  return [red, green, blue];
}

export function isPadding(
  stored: number,
  padding: readonly [number, number] | null,
): boolean {
  return padding !== null && stored >= padding[0] && stored <= padding[1];
}

function spanOfAll(stored: Values): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of stored) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 0] : [low, high];
}

function rangeOf(
  stored: Values,
  modality: Modality,
  padding: readonly [number, number] | null,
): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [least, most] = [low, high]; // of a table, which need not keep the order
  const seen = modality.lut ? new Set<number>() : null;
  for (const value of stored) {
    if (padding !== null && value >= padding[0] && value <= padding[1]) continue;
    if (value - value !== 0) continue; // infinite, or no number
    if (value < low) low = value;
    if (value > high) high = value;
    seen?.add(value);
  }
  if (low > high) return [0, 1]; // nothing but padding
  for (const value of seen ?? [low, high]) {
    const rescaled = rescale(value, modality);
    if (rescaled < least) least = rescaled;
    if (rescaled > most) most = rescaled;
  }
  return [least, most];
}
