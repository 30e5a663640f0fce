/** Bytes of a frame → stored values (PS3.5 8.1), pixel by pixel. */

import type { Layout } from "./layout";

/** Stored or rescaled values. */
export type Values =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A frame is not what its header says; `wanted` and `found` count bytes. */
export class ShortFrameError extends Error {
  override readonly name = "ShortFrameError";

  constructor(
    readonly wanted: number,
    readonly found: number,
  ) {
    super(`the frame has ${found} bytes; its header says ${wanted}`);
  }
}

/**
 * Stored values of a native little-endian frame; samples of a pixel stand together.
 *
 * @param bytes of one frame.
 * @param layout of its header.
 * @throws ShortFrameError
 */
export function unpack(bytes: ArrayBuffer, layout: Layout): Values {
  const count = layout.rows * layout.columns * layout.samples;
  if (layout.bitsAllocated === 1) return unpackBits(bytes, count);
  const width = layout.bitsAllocated / 8;
  const isSubsampled = layout.samples === 3 && isPairs(layout, bytes.byteLength);
  const wanted = isSubsampled ? (count / 3) * 2 * width : count * width;
  if (bytes.byteLength < wanted) throw new ShortFrameError(wanted, bytes.byteLength);
  const raw = view(bytes, isSubsampled ? (count / 3) * 2 : count, layout);
  if (layout.isFloat) return raw;
  const spread = isSubsampled ? spreadChroma(raw) : raw;
  const signed = withSign(spread, layout);
  return layout.samples > 1 && layout.isPlanar ? interleave(signed, layout) : signed;
}

function unpackBits(bytes: ArrayBuffer, count: number): Uint8Array {
  const wanted = Math.ceil(count / 8);
  if (bytes.byteLength < wanted) throw new ShortFrameError(wanted, bytes.byteLength);
  const packed = new Uint8Array(bytes);
  const values = new Uint8Array(count);
  for (let i = 0; i < count; i += 1) values[i] = ((packed[i >> 3] ?? 0) >> (i & 7)) & 1;
  return values;
}

/** Two pixels share their chroma where the header says so and the length agrees. */
function isPairs(layout: Layout, length: number): boolean {
  const full = layout.rows * layout.columns * 3 * (layout.bitsAllocated / 8);
  return /_422$/.test(layout.photometric) && length < full;
}

function view(bytes: ArrayBuffer, count: number, layout: Layout): Values {
  if (layout.isFloat) {
    return layout.bitsAllocated === 64
      ? new Float64Array(bytes, 0, count)
      : new Float32Array(bytes, 0, count);
  }
  if (layout.bitsAllocated === 8) return new Uint8Array(bytes, 0, count);
  return layout.bitsAllocated === 16
    ? new Uint16Array(bytes, 0, count)
    : new Uint32Array(bytes, 0, count);
}

/** Y1 Y2 Cb Cr of each pair of pixels → Y Cb Cr of each pixel (C.7.6.3.1.2). */
function spreadChroma(pairs: Values): Values {
  const Kind = pairs.constructor as new (n: number) => Values;
  const spread = new Kind(Math.floor(pairs.length / 4) * 6);
  for (let from = 0, to = 0; from + 3 < pairs.length; from += 4, to += 6) {
    const [y1 = 0, y2 = 0, cb = 0, cr = 0] = pairs.subarray(from, from + 4);
    spread.set([y1, cb, cr, y2, cb, cr], to);
  }
  return spread;
}

/**
 * Bits above Bits Stored may hold an overlay of old (PS3.5 8.1.1): they go away before
 * the sign bit is spread. A High Bit other than Bits Stored - 1 is believed only where
 * bits above Bits Stored are in use.
 */
function withSign(raw: Values, layout: Layout): Values {
  const { bitsAllocated, bitsStored, isSigned } = layout;
  const shift = layout.highBit + 1 - bitsStored;
  if (bitsStored === bitsAllocated) return isSigned ? signedView(raw) : raw;
  if (isSigned) {
    const values = signedView(raw);
    const [up, down] = [32 - bitsStored - shift, 32 - bitsStored];
    for (let i = 0; i < values.length; i += 1) {
      values[i] = ((raw[i] ?? 0) << up) >> down;
    }
    return values;
  }
  const mask = 2 ** bitsStored - 1;
  const down = shift > 0 && raw.some((value) => value > mask) ? shift : 0;
  for (let i = 0; i < raw.length; i += 1) raw[i] = ((raw[i] ?? 0) >>> down) & mask;
  return raw;
}

function signedView(raw: Values): Values {
  const { buffer, length } = raw;
  if (raw.BYTES_PER_ELEMENT === 1) return new Int8Array(buffer, 0, length);
  if (raw.BYTES_PER_ELEMENT === 2) return new Int16Array(buffer, 0, length);
  return new Int32Array(buffer, 0, length);
}

function interleave(planes: Values, layout: Layout): Values {
  const Kind = planes.constructor as new (n: number) => Values;
  const count = layout.rows * layout.columns;
  const pixels = new Kind(count * layout.samples);
  for (let sample = 0; sample < layout.samples; sample += 1) {
    for (let i = 0; i < count; i += 1) {
      pixels[i * layout.samples + sample] = planes[sample * count + i] ?? 0;
    }
  }
  return pixels;
}
