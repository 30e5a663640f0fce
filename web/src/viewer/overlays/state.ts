/** Overlay planes of the file on a pane: which are seen, and their bits. */

import { type Signal, signal } from "@preact/signals";
import { fetchBulk } from "../load/bulk";
import type { ImageInfo } from "../load/image";
import { type OverlayPlane, overlaysOn } from "../load/overlay_planes";
import { unpackOverlay } from "../pixels/overlay";
import type { Picture } from "../pixels/picture";
import type { Desk } from "../stack/desk";
import type { Pane } from "../stack/pane_state";

const shownOn = new WeakMap<Desk, Signal<boolean>>();

/** Whether a desk draws them; on for each study until a reader puts them away. */
export function areShown(desk: Desk): Signal<boolean> {
  const made = shownOn.get(desk) ?? signal(true);
  shownOn.set(desk, made);
  return made;
}

/** Planes that lie on the image that a pane shows; reads signals. */
export function planesOn(pane: Pane): readonly OverlayPlane[] {
  const image = pane.shown.value?.image;
  return image ? overlaysOn(image.overlays, image.address.frame) : [];
}

/**
 * 0 or 1 for each pixel of a plane on a frame.
 *
 * @returns null where the data are cut short, or are not in the pixels as they came.
 * @throws ProblemError, OfflineError as every request.
 */
export async function bitsOf(
  plane: OverlayPlane,
  image: ImageInfo,
  picture: Picture,
): Promise<Uint8Array | null> {
  const { source } = plane;
  if (source.kind === "embedded") return picture.embedded?.get(plane.place) ?? null;
  const bytes = source.bytes ?? (source.address ? await fetchBulk(source.address) : null);
  if (!bytes) return null;
  // A plane of one frame lies on several as it is.
  const at = plane.frames > 1 ? image.address.frame - plane.firstFrame : 0;
  return unpackOverlay(bytes, plane.rows * plane.columns, at, source.isSwapped);
}
