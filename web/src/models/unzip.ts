/** Reading names, and the beginning of a file, out of a ZIP archive without its rest. */

/** One file of an archive. */
export interface Entry {
  readonly path: string;
  readonly size: number;
  readonly packed: number;
  /** 0: as it is; 8: deflated. */
  readonly method: number;
  readonly at: number;
}

/** Larger lists of files are not read: the page only wants to offer columns. */
const MOST_LIST = 32 << 20;
const TAIL = 22 + 0xffff;

/** The files of an archive; none of what is no archive, or a 64-bit one. */
export async function entriesOf(archive: Blob): Promise<readonly Entry[]> {
  const tail = await view(archive.slice(Math.max(0, archive.size - TAIL)));
  for (let at = tail.byteLength - 22; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== 0x0605_4b50) continue;
    const [length, start] = [
      tail.getUint32(at + 12, true),
      tail.getUint32(at + 16, true),
    ];
    if (length > MOST_LIST || start + length > archive.size) return [];
    return listed(await view(archive.slice(start, start + length)));
  }
  return [];
}

function listed(list: DataView): readonly Entry[] {
  const found: Entry[] = [];
  let at = 0;
  while (at + 46 <= list.byteLength && list.getUint32(at, true) === 0x0201_4b50) {
    const name = list.getUint16(at + 28, true);
    const rest = list.getUint16(at + 30, true) + list.getUint16(at + 32, true);
    if (at + 46 + name > list.byteLength) break;
    const bytes = new Uint8Array(list.buffer, list.byteOffset + at + 46, name);
    found.push({
      path: new TextDecoder().decode(bytes),
      method: list.getUint16(at + 10, true),
      packed: list.getUint32(at + 20, true),
      size: list.getUint32(at + 24, true),
      at: list.getUint32(at + 42, true),
    });
    at += 46 + name + rest;
  }
  return found;
}

/**
 * The first bytes of a file in an archive; none where it is packed in another way.
 *
 * @param most never more than this comes out, whatever the archive promises.
 */
export async function beginning(
  archive: Blob,
  entry: Entry,
  most: number,
): Promise<Uint8Array> {
  const head = await view(archive.slice(entry.at, entry.at + 30));
  if (head.byteLength < 30 || head.getUint32(0, true) !== 0x0403_4b50) {
    return new Uint8Array();
  }
  const start = entry.at + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = archive.slice(start, start + entry.packed);
  if (entry.method === 0) return firstOf(packed.stream(), most);
  if (entry.method !== 8) return new Uint8Array();
  return firstOf(
    packed.stream().pipeThrough(new DecompressionStream("deflate-raw")),
    most,
  );
}

/** The first bytes of a stream; the rest is not asked for. */
async function firstOf(
  stream: ReadableStream<Uint8Array>,
  most: number,
): Promise<Uint8Array> {
  const found = new Uint8Array(most);
  const reader = stream.getReader();
  let filled = 0;
  try {
    while (filled < most) {
      const { value } = await reader.read();
      if (!value) break;
      const taken = value.subarray(0, most - filled);
      found.set(taken, filled);
      filled += taken.length;
    }
  } catch {
    // Damaged: what came out before is all there is.
  }
  await reader.cancel().catch(() => undefined);
  return found.slice(0, filled);
}

async function view(part: Blob): Promise<DataView> {
  return new DataView(await part.arrayBuffer());
}
