/** The layout of an image that has pixels, and what its picture takes. */

import type { Layout } from "../pixels/layout";
import type { ImageInfo } from "./image";

/** Null where the image has no picture. */
export function layoutOfImage(image: ImageInfo): Layout | null {
  return typeof image.layout === "string" ? null : image.layout;
}

/**
 * Bytes that the picture will take, never less than it does: whoever fetches ahead by a
 * smaller number drops the first for the last, and begins anew.
 */
export function pictureBytes(image: ImageInfo): number {
  const layout = layoutOfImage(image);
  if (!layout) return 0;
  const pixels = layout.rows * layout.columns;
  const embedded = image.overlays.filter(({ source }) => source.kind === "embedded");
  const perSample = Math.max(1, layout.bitsAllocated / 8);
  // A palette's one sample becomes red, green and blue.
  const perPixel = layout.photometric === "PALETTE COLOR" ? 3 : 1;
  return pixels * (Math.max(layout.samples * perSample, perPixel) + embedded.length);
}
