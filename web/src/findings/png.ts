/** An 8-bit grey PNG of a mask (PNG, third edition, W3C 2025): what a reader painted. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/**
 * A mask as PNG: 255 inside, 0 elsewhere.
 *
 * @param inside rows × columns values, row by row; above 0 is inside.
 * @throws RangeError the count of values is another one.
 */
export async function maskPng(
  inside: Uint8Array,
  rows: number,
  columns: number,
): Promise<Uint8Array> {
  if (inside.length !== rows * columns) {
    throw new RangeError(
      `mask: ${inside.length} values, wanted ${rows} × ${columns}; paint it anew`,
    );
  }
  // Each row begins with its filter; 0 is none (section 9.2).
  const lines = new Uint8Array(rows * (columns + 1));
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const value = inside[row * columns + column] ?? 0;
      lines[row * (columns + 1) + 1 + column] = value > 0 ? 255 : 0;
    }
  }
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, columns);
  view.setUint32(4, rows);
  head[8] = 8; // bits of a value; colour type 0 is grey, the rest has one choice each
  return joined([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", head),
    chunk("IDAT", await deflated(lines)),
    chunk("IEND", new Uint8Array()),
  ]);
}

/** Bytes in base 64, for JSON. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

async function deflated(bytes: Uint8Array): Promise<Uint8Array> {
  const packed = new Blob([bytes as BlobPart])
    .stream()
    .pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const named = joined([Uint8Array.from(type, (c) => c.charCodeAt(0)), data]);
  const frame = new Uint8Array(named.length + 8);
  const view = new DataView(frame.buffer);
  view.setUint32(0, data.length);
  frame.set(named, 4);
  view.setUint32(4 + named.length, crc32(named));
  return frame;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    rest = rest & 1 ? 0xedb88320 ^ (rest >>> 1) : rest >>> 1;
  }
  return rest;
});

/** Cyclic redundancy check of a chunk's type and data (PNG, annex D). */
export function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
