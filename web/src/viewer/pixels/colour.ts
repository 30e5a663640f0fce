/** Colour spaces → red, green, blue (PS3.3 C.7.6.3.1.2 and C.7.6.3.1.5). */

import type { Layout } from "./layout";
import { type Lut, lookUp } from "./lut";
import type { Values } from "./unpack";

/** Eight bits each of red, green and blue, pixel by pixel. */
export type Rgb = Uint8ClampedArray;

/** Whether the samples of a frame that the service decoded are luminance and chroma. */
export function isYbr(photometric: string, transferSyntax: string): boolean {
  const isLossyJpeg = /^1\.2\.840\.10008\.1\.2\.4\.5[01]$/.test(transferSyntax);
  // JPEG comes out of its decoder as RGB; JPEG 2000 undoes YBR_ICT and YBR_RCT itself.
  return !isLossyJpeg && /^YBR_(FULL|PARTIAL)/.test(photometric);
}

/** Colour samples as eight bits of RGB. */
export function toRgb(values: Values, layout: Layout, ybr: boolean): Rgb {
  const rgb = new Uint8ClampedArray(values.length);
  if (ybr) return fromYbr(values, layout, rgb);
  if (layout.bitsStored === 8) {
    rgb.set(values);
    return rgb;
  }
  const scale = 255 / (2 ** layout.bitsStored - 1);
  for (let i = 0; i < values.length; i += 1) rgb[i] = (values[i] ?? 0) * scale;
  return rgb;
}

function fromYbr(values: Values, layout: Layout, rgb: Rgb): Rgb {
  const scale = 255 / (2 ** layout.bitsStored - 1);
  const middle = 2 ** (layout.bitsStored - 1);
  const isPartial = layout.photometric.startsWith("YBR_PARTIAL");
  // Video range: Y from 16 to 235 and chroma from 16 to 240 of 256.
  const [black, luma, chroma] = isPartial
    ? [middle / 8, 255 / 219, 255 / 224]
    : [0, 1, 1];
  for (let i = 0; i + 2 < values.length; i += 3) {
    const y = ((values[i] ?? 0) - black) * luma;
    const cb = ((values[i + 1] ?? 0) - middle) * chroma;
    const cr = ((values[i + 2] ?? 0) - middle) * chroma;
    rgb[i] = (y + 1.402 * cr) * scale;
    rgb[i + 1] = (y - 0.344136286 * cb - 0.714136286 * cr) * scale;
    rgb[i + 2] = (y + 1.772 * cb) * scale;
  }
  return rgb;
}

/** Red, green and blue tables. */
export type Palette = readonly [red: Lut, green: Lut, blue: Lut];

/** Stored values through a palette. */
export function throughPalette(values: Values, palette: Palette): Rgb {
  const rgb = new Uint8ClampedArray(values.length * 3);
  const scales = palette.map((lut) => scaleOf(lut));
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0;
    for (let sample = 0; sample < 3; sample += 1) {
      const lut = palette[sample];
      if (lut) rgb[3 * i + sample] = lookUp(lut, value) * (scales[sample] ?? 1);
    }
  }
  return rgb;
}

/**
 * Entries of 16 bits are often colours of 8 in the upper byte, with 0 below: white is then
 * 65,280, and stands for 255. Entries of 8 bits that were packed as words may fill them.
 */
function scaleOf(lut: Lut): number {
  if (lut.bits <= 8) return lut.entries.some((each) => each > 255) ? 1 / 256 : 1;
  const isUpperByte = lut.entries.every((each) => (each & 255) === 0);
  return isUpperByte ? 1 / 256 : 255 / 65_535;
}
