/** The bits of overlay planes (PS3.3 C.9.2, PS3.5 8.1.2). */

import type { Layout } from "./layout";

/** A colour, 0..255 each. */
export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * One frame of packed bits, 0 or 1 a pixel; frames follow each other without a gap, the
 * lowest bit of each byte first. Null where the data end before the frame does.
 *
 * @param bytes of all frames.
 * @param size pixels of one frame.
 * @param frame from 0.
 * @param isSwapped the bytes are big-endian words.
 */
export function unpackOverlay(
  bytes: Uint8Array,
  size: number,
  frame = 0,
  isSwapped = false,
): Uint8Array | null {
  const start = frame * size;
  if (start + size > 8 * bytes.length) return null;
  const turn = isSwapped ? 1 : 0;
  const bits = new Uint8Array(size);
  for (let i = 0, at = start; i < size; i += 1, at += 1) {
    bits[i] = ((bytes[(at >> 3) ^ turn] ?? 0) >> (at & 7)) & 1;
  }
  return bits;
}

/**
 * A plane in one bit of each stored pixel, 0 or 1 a pixel; null where the bytes are not
 * those of the header's pixels.
 *
 * @param bytes of a native little-endian frame, before anything masks its pixels.
 * @param bit counted from 0.
 */
export function embeddedOverlay(
  bytes: ArrayBuffer,
  layout: Layout,
  bit: number,
): Uint8Array | null {
  const width = layout.bitsAllocated / 8;
  const size = layout.rows * layout.columns;
  const isWhole = width === 1 || width === 2 || width === 4;
  if (layout.samples > 1 || !isWhole || bytes.byteLength < size * width) return null;
  const octets = new Uint8Array(bytes);
  const bits = new Uint8Array(size);
  for (let i = 0, at = bit >> 3; i < size; i += 1, at += width) {
    bits[i] = ((octets[at] ?? 0) >> (bit & 7)) & 1;
  }
  return bits;
}

/** R, G, B, A of each pixel: the colour where a bit is set, else nothing. */
export function paintOverlay(
  bits: Uint8Array,
  [red, green, blue]: Rgb,
  target: Uint8ClampedArray,
): void {
  const words = new Uint32Array(target.buffer, target.byteOffset, target.length / 4);
  const colour = (0xff00_0000 | (blue << 16) | (green << 8) | red) >>> 0;
  for (let i = 0; i < words.length; i += 1) words[i] = bits[i] ? colour : 0;
}
