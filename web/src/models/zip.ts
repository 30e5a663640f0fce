/**
 * A ZIP archive of files as they are (method 0, nothing is compressed), made without
 * holding the files: the archive is a Blob of headers of our own and the files between
 * them (PKWARE APPNOTE 6.3.10, 4.3 to 4.4).
 */

/** A file with its path in the archive. */
export interface Member {
  /** With "/" between folders. */
  readonly path: string;
  readonly file: Blob;
}

/** Where ZIP without its 64-bit extension ends. */
export const MOST_BYTES = 0xffff_ffff - 1;
export const MOST_FILES = 0xffff - 1;

/** The files do not fit into one archive, or their names do not; says what to do. */
export class PackError extends Error {
  override readonly name = "PackError";

  constructor(readonly why: "large" | "many" | "names") {
    super(why);
  }
}

const UTF_8 = 0x0800;
const VERSION = 20;
const DAY_ONE = 0x0021; // 1 January 1980: the archive tells nothing of when files came

/**
 * The archive of some files; each is read once for its checksum.
 *
 * @param onRead is told how many bytes were read so far.
 * @throws PackError too many files, too large, or two of one name.
 */
export async function zip(
  members: readonly Member[],
  onRead: (bytes: number) => void = () => {},
  abort?: AbortSignal,
): Promise<Blob> {
  check(members);
  const parts: BlobPart[] = [];
  const list: Uint8Array<ArrayBuffer>[] = [];
  let [at, done] = [0, 0];
  for (const { path, file } of members) {
    const before = done;
    const sum = await checksum(file, (read) => onRead(before + read), abort);
    done += file.size;
    const name = new TextEncoder().encode(path);
    parts.push(header(name, sum, file.size), file);
    list.push(entry(name, sum, file.size, at));
    at += 30 + name.length + file.size;
  }
  const length = list.reduce((sum, each) => sum + each.length, 0);
  return new Blob([...parts, ...list, end(list.length, length, at)], {
    type: "application/zip",
  });
}

function check(members: readonly Member[]): void {
  if (members.length > MOST_FILES) throw new PackError("many");
  // Each entry costs two headers and its name twice, at most 4 bytes a character.
  const bytes = members.reduce(
    (sum, { path, file }) => sum + file.size + 76 + 8 * path.length,
    22,
  );
  if (bytes > MOST_BYTES) throw new PackError("large");
  const names = new Set(members.map(({ path }) => path));
  const areSound = members.every(
    ({ path }) => path.length > 0 && path.length < 8_000 && !path.startsWith("/"),
  );
  if (names.size !== members.length || !areSound) throw new PackError("names");
}

function header(name: Uint8Array, sum: number, size: number): Uint8Array<ArrayBuffer> {
  const made = new DataView(new ArrayBuffer(30 + name.length));
  made.setUint32(0, 0x0403_4b50, true);
  common(made, 4, name, sum, size);
  return withName(made, 30, name);
}

function entry(
  name: Uint8Array,
  sum: number,
  size: number,
  at: number,
): Uint8Array<ArrayBuffer> {
  const made = new DataView(new ArrayBuffer(46 + name.length));
  made.setUint32(0, 0x0201_4b50, true);
  made.setUint16(4, VERSION, true);
  common(made, 6, name, sum, size);
  made.setUint32(42, at, true);
  return withName(made, 46, name);
}

/** What the header before a file and its entry in the list have in common. */
function common(
  made: DataView,
  at: number,
  name: Uint8Array,
  sum: number,
  size: number,
): void {
  made.setUint16(at, VERSION, true);
  made.setUint16(at + 2, UTF_8, true);
  made.setUint16(at + 8, DAY_ONE, true);
  made.setUint32(at + 10, sum, true);
  made.setUint32(at + 14, size, true);
  made.setUint32(at + 18, size, true);
  made.setUint16(at + 22, name.length, true);
}

function withName(made: DataView, at: number, name: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(made.buffer as ArrayBuffer);
  bytes.set(name, at);
  return bytes;
}

function end(count: number, length: number, at: number): Uint8Array<ArrayBuffer> {
  const made = new DataView(new ArrayBuffer(22));
  made.setUint32(0, 0x0605_4b50, true);
  made.setUint16(8, count, true);
  made.setUint16(10, count, true);
  made.setUint32(12, length, true);
  made.setUint32(16, at, true);
  return new Uint8Array(made.buffer);
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
  }
  return value;
});

/** CRC-32 of a file, read in pieces. */
async function checksum(
  file: Blob,
  onRead: (bytes: number) => void,
  abort?: AbortSignal,
): Promise<number> {
  let [value, done] = [0xffff_ffff, 0];
  const reader = file.stream().getReader();
  for (let next = await reader.read(); next.value; next = await reader.read()) {
    if (abort?.aborted) throw new DOMException("", "AbortError");
    for (const byte of next.value) {
      value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0);
    }
    done += next.value.length;
    onRead(done);
  }
  return ~value >>> 0;
}
