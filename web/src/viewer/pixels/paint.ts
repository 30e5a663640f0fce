/** A picture through a window → the four bytes of each pixel on a canvas. */

import { type GreyPicture, isPadding, type Picture, rescale } from "./picture";
import { shader, type Voi } from "./voi";

/** How values become shades. */
export interface Look {
  readonly voi: Voi;
  /** The reader turned black and white round. */
  readonly isInverted: boolean;
}

const OPAQUE = 0xff00_0000;

/**
 * The pixels of a canvas, R, G, B, A of each (little-endian machines, as all browsers').
 *
 * @param picture to be shown.
 * @param look window and inversion.
 * @param target of rows × columns; made where it is not given.
 */
export function paint(
  picture: Picture,
  look: Look,
  target = new Uint8ClampedArray(4 * picture.rows * picture.columns),
): Uint8ClampedArray<ArrayBuffer> {
  const words = new Uint32Array(target.buffer, target.byteOffset, target.length / 4);
  if (picture.kind === "grey") paintGrey(picture, look, words);
  else paintColour(picture.rgb, look, words);
  return target as Uint8ClampedArray<ArrayBuffer>;
}

function paintGrey(picture: GreyPicture, look: Look, words: Uint32Array): void {
  const { stored } = picture;
  const shadeOf = wordOf(picture, look);
  const isShort = stored.BYTES_PER_ELEMENT <= 2;
  if (!isShort) {
    for (let i = 0; i < stored.length; i += 1) words[i] = shadeOf(stored[i] ?? 0);
    return;
  }
  const table = tableOf(picture, shadeOf);
  const lowest = picture.storedRange[0];
  for (let i = 0; i < stored.length; i += 1) {
    words[i] = table[(stored[i] as number) - lowest] as number;
  }
}

/** A word for each stored value that there may be, from the smallest on. */
function tableOf(picture: GreyPicture, shadeOf: (value: number) => number): Uint32Array {
  const [low, high] = picture.storedRange;
  const table = new Uint32Array(high - low + 1);
  for (let i = 0; i < table.length; i += 1) table[i] = shadeOf(low + i);
  return table;
}

function wordOf(picture: GreyPicture, look: Look): (stored: number) => number {
  const shade = shader(look.voi);
  const { modality, padding } = picture;
  const isTurned = picture.isInverse !== look.isInverted;
  return (stored) => {
    // Padding is no part of the image: it is dark, whatever the grey scale does.
    if (isPadding(stored, padding)) return OPAQUE;
    const share = shade(rescale(stored, modality));
    return grey(Math.round(255 * (isTurned ? 1 - share : share)));
  };
}

function grey(level: number): number {
  return (OPAQUE | (level << 16) | (level << 8) | level) >>> 0;
}

function paintColour(rgb: Uint8ClampedArray, look: Look, words: Uint32Array): void {
  const shade = shader(look.voi);
  const levels = Uint8Array.from({ length: 256 }, (_, value) => {
    const share = shade(value);
    return Math.round(255 * (look.isInverted ? 1 - share : share));
  });
  for (let i = 0, at = 0; i < words.length; i += 1, at += 3) {
    const red = levels[rgb[at] ?? 0] ?? 0;
    const green = levels[rgb[at + 1] ?? 0] ?? 0;
    const blue = levels[rgb[at + 2] ?? 0] ?? 0;
    words[i] = (OPAQUE | (blue << 16) | (green << 8) | red) >>> 0;
  }
}
