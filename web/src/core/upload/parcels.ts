/** Files as they are sent: several small ones together, a large one alone. */

/** The parts of a File that matter here. */
export interface Sized {
  readonly name: string;
  readonly size: number;
}

/** Bytes of a request from which the next file goes into another one. */
export const PARCEL_BYTES = 24_000_000;
/** Files of a request; the service takes 1000. */
export const PARCEL_FILES = 60;

/**
 * Files in groups that are sent in one request each, in their order.
 *
 * Archives go alone: what the service says of their entries is then theirs.
 */
export function parcels<T extends Sized>(files: readonly T[]): readonly T[][] {
  const made: T[][] = [];
  let open: T[] = [];
  let bytes = 0;
  const close = () => {
    if (open.length > 0) made.push(open);
    [open, bytes] = [[], 0];
  };
  for (const file of files) {
    const isFull = open.length >= PARCEL_FILES || bytes + file.size > PARCEL_BYTES;
    if (isFull || isArchive(file)) close();
    open.push(file);
    bytes += file.size;
    if (isArchive(file)) close();
  }
  close();
  return made;
}

/** By its name: what it is in truth, the service finds out. */
export function isArchive(file: Sized): boolean {
  return /\.zip$/i.test(file.name);
}

const NO_IMAGES = /^(?:dicomdir|\.ds_store|thumbs\.db|desktop\.ini|\._.*)$/i;

/** Whether a file of a folder is known to be no image: its index, or a system's own. */
export function isSideFile(file: Sized): boolean {
  return NO_IMAGES.test(file.name);
}

/**
 * How far each file of a parcel has gone: a request tells only of its whole body.
 *
 * @param sent bytes of the body that went; its frame of texts counts as the last file's.
 * @returns 0..1 of each.
 */
export function shares(files: readonly Sized[], sent: number): readonly number[] {
  let left = sent;
  return files.map(({ size }) => {
    const share = size > 0 ? Math.min(1, Math.max(0, left / size)) : left >= 0 ? 1 : 0;
    left -= size;
    return share;
  });
}
