/** Look-up tables of a header: modality, VOI and palette (PS3.3 C.11.1, C.11.2, C.7.9). */

/** A table: input `first` takes the first entry; inputs outside take the nearest one. */
export interface Lut {
  readonly entries: Uint16Array;
  readonly first: number;
  /** Depth of the entries. */
  readonly bits: number;
}

/** A table's three numbers and its data, as a header has them. */
export interface LutSource {
  readonly descriptor: readonly number[];
  /** Bytes (OW, OB) or numbers (US). */
  readonly data: Uint8Array | readonly number[];
}

/**
 * The table of a header, null where it is damaged.
 *
 * @param source of one item or one colour.
 * @param floor smallest input; where it is negative the first input is signed, whatever
 *   VR it was read with.
 */
export function lutOf(source: LutSource, floor = 0): Lut | null {
  const found = descriptorOf(source.descriptor, floor);
  if (!found) return null;
  const entries = words(source.data, found.count, found.bits);
  return entries.length < found.count
    ? null
    : { entries: entries.subarray(0, found.count), first: found.first, bits: found.bits };
}

/** Entries (0 stands for 65,536), first input and bits; null where they make no sense. */
export function descriptorOf(
  descriptor: readonly number[],
  floor = 0,
): { count: number; first: number; bits: number } | null {
  const [length, start, bits] = descriptor;
  if (length === undefined || start === undefined || bits === undefined) return null;
  if (bits < 1 || bits > 16) return null;
  const count = ((length % 65_536) + 65_536) % 65_536 || 65_536;
  const first = floor < 0 && start >= 32_768 ? start - 65_536 : start;
  return { count, first, bits };
}

/** 8-bit tables come as one byte an entry or as words; the length tells. */
function words(
  data: Uint8Array | readonly number[],
  count: number,
  bits: number,
): Uint16Array {
  if (!(data instanceof Uint8Array)) return Uint16Array.from(data, (value) => value);
  if (bits <= 8 && data.length < 2 * count) return Uint16Array.from(data);
  const found = new Uint16Array(data.length >> 1);
  for (let i = 0; i < found.length; i += 1) {
    found[i] = (data[2 * i] ?? 0) | ((data[2 * i + 1] ?? 0) << 8);
  }
  return found;
}

/** The table's output for one input. */
export function lookUp(lut: Lut, value: number): number {
  const last = lut.entries.length - 1;
  const at = Math.trunc(value) - lut.first;
  return lut.entries[at < 0 ? 0 : Math.min(at, last)] ?? 0;
}

/**
 * Entries of a segmented palette table (C.7.9.2), never more than `count`; null where it
 * is damaged. Segments: 0 discrete, 1 linear, 2 a copy of earlier ones by byte offset.
 */
export function expandSegments(
  bytes: Uint8Array,
  bits: number,
  count: number,
): Uint16Array | null {
  const width = bits > 8 ? 2 : 1;
  const parts = width === 1 ? Uint16Array.from(bytes) : words(bytes, 0, 16);
  const done: number[] = [];
  expandRun(parts, 0, Number.POSITIVE_INFINITY, done, width, count);
  return done.length < count ? null : Uint16Array.from(done.slice(0, count));
}

function expandRun(
  parts: Uint16Array,
  start: number,
  segments: number,
  done: number[],
  width: number,
  count: number,
): void {
  let place = start;
  for (let seen = 0; seen < segments && done.length < count; seen += 1) {
    const [code, length] = [parts[place], parts[place + 1]];
    if (code === undefined || length === undefined) return;
    place += 2;
    if (code === 0) {
      for (const entry of parts.subarray(place, place + length)) done.push(entry);
      place += length;
    } else if (code === 1 && done.length > 0 && length > 0) {
      const [from, to] = [done[done.length - 1] ?? 0, parts[place] ?? 0];
      for (let i = 1; i <= length; i += 1) {
        done.push(Math.round(from + ((to - from) * i) / length));
      }
      place += 1;
    } else if (code === 2 && Number.isFinite(segments) === false) {
      const offset = offsetAt(parts, place, width);
      place += 4 / width;
      // A copied run copies no other, so there is no endless loop.
      expandRun(parts, offset, length, done, width, count);
    } else return;
  }
}

function offsetAt(parts: Uint16Array, place: number, width: number): number {
  let value = 0;
  for (let i = 4 / width - 1; i >= 0; i -= 1) {
    value = value * 2 ** (8 * width) + (parts[place + i] ?? 0);
  }
  return value / width;
}
