/** The values of a volume: slices as they come, in as little memory as they allow. */

import type { ImageInfo } from "~/viewer/load/image";
import type { Library } from "~/viewer/load/library";
import { loadPicture } from "~/viewer/load/picture";
import { layoutOfImage } from "~/viewer/load/size";
import { type GreyPicture, isPadding, rescale } from "~/viewer/pixels/picture";
import type { Volume } from "./reslice";
import {
  bytesOf,
  type Frame,
  frameOf,
  MOST_BYTES,
  type Refusal,
  type SlicePlace,
} from "./volume";

/** Requests at a time. */
const AT_ONCE = 4;

/** Where an image lies, null where its header does not say. */
export function placeOf(image: ImageInfo): SlicePlace | null {
  const [layout, plane] = [layoutOfImage(image), image.plane];
  if (!layout || !plane?.position || image.spacing.kind === "none") return null;
  return {
    rows: layout.rows,
    columns: layout.columns,
    position: plane.position,
    orientation: [plane.alongRow, plane.alongColumn],
    spacing: [image.spacing.row, image.spacing.column],
  };
}

/** The volume of a series without its values, or why there is none. */
export function volumeOf(images: readonly ImageInfo[]): Frame | Refusal | "colour" {
  const samples = images.map((image) => layoutOfImage(image)?.samples ?? 1);
  if (samples.some((count) => count > 1) || images.some(({ palette }) => palette)) {
    return "colour";
  }
  const frame = frameOf(images.map(placeOf));
  if (typeof frame === "string") return frame;
  return bytesOf(frame, isWhole(images) ? 2 : 4) > MOST_BYTES ? "memory" : frame;
}

/** True where all rescaled values are whole numbers of 16 bits. */
function isWhole(images: readonly ImageInfo[]): boolean {
  return images.every(({ grey, layout }) => {
    if (typeof layout === "string" || grey.modalityLut || layout.isFloat) return false;
    if (!Number.isInteger(grey.slope) || !Number.isInteger(grey.intercept)) return false;
    const [low, high] = layout.isSigned
      ? [-(2 ** (layout.bitsStored - 1)), 2 ** (layout.bitsStored - 1) - 1]
      : [0, 2 ** layout.bitsStored - 1];
    const ends = [low, high].map((end) => end * grey.slope + grey.intercept);
    return Math.min(...ends) >= -32_768 && Math.max(...ends) <= 32_767;
  });
}

/** A slice that could not be had; the others were. */
export class SlicesMissingError extends Error {
  override readonly name = "SlicesMissingError";

  constructor(readonly count: number) {
    super(`${count} slices could not be loaded`);
  }
}

/**
 * Load a volume.
 *
 * @param onProgress how many slices are here.
 * @throws SlicesMissingError some slices could not be loaded: no plane is made up of gaps.
 */
export async function loadVolume(
  images: readonly ImageInfo[],
  frame: Frame,
  library: Library,
  abort: AbortSignal,
  onProgress: (count: number) => void,
): Promise<Volume> {
  const isShort = isWhole(images);
  const slices: ArrayLike<number>[] = new Array(frame.order.length);
  const known: (ArrayLike<number> | null)[] = new Array(frame.order.length).fill(null);
  let [next, here, missing] = [0, 0, 0];
  const work = async () => {
    while (next < frame.order.length && !abort.aborted) {
      const at = next;
      next += 1;
      const image = images[frame.order[at] ?? 0];
      if (!image) continue;
      try {
        const picture = library.peek(image) ?? (await loadPicture(image, abort));
        if (picture.kind === "grey") {
          slices[at] = rescaled(picture, isShort);
          known[at] = knownOf(picture);
        }
        here += 1;
      } catch (error) {
        if (abort.aborted) throw error;
        missing += 1;
      }
      onProgress(here);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  abort.throwIfAborted();
  if (missing > 0) throw new SlicesMissingError(missing);
  return { frame, slices, known: allKnown(frame, known) };
}

/** Of each pixel 1, 0 where it is padding; null where none is. */
function knownOf({ stored, padding }: GreyPicture): Uint8Array | null {
  let isWhole = true;
  const known = new Uint8Array(stored.length).fill(1);
  for (let at = 0; at < stored.length; at += 1) {
    if (!isPadding(stored[at] as number, padding)) continue;
    known[at] = 0;
    isWhole = false;
  }
  return isWhole ? null : known;
}

/** Slices without padding share one array of ones. */
function allKnown(
  { rows, columns }: Frame,
  known: readonly (ArrayLike<number> | null)[],
): Volume["known"] {
  if (known.every((each) => each === null)) return undefined;
  const ones = new Uint8Array(rows * columns).fill(1);
  return known.map((each) => each ?? ones);
}

/** Padding becomes the least value, so that it stays dark where it is interpolated. */
function rescaled(picture: GreyPicture, isShort: boolean): ArrayLike<number> {
  const { stored, padding, modality, range } = picture;
  const values = isShort
    ? new Int16Array(stored.length)
    : new Float32Array(stored.length);
  for (let at = 0; at < stored.length; at += 1) {
    const value = stored[at] as number;
    values[at] = isPadding(value, padding) ? range[0] : rescale(value, modality);
  }
  return values;
}
