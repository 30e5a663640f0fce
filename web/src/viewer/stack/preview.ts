/** The service's own JPEG of an image, where the picture itself takes long to come. */

import { ask } from "~/core/api/client";
import { previewAddress } from "../load/address";
import type { ImageInfo } from "../load/image";
import { layoutOfImage } from "../load/size";
import { imageKey } from "../stage";
import type { Pane } from "./pane_state";

/** A picture that is here by then needs no preview. */
const PATIENCE_MS = 250;
/** Smaller frames are here as soon as their preview would be. */
const LEAST_BYTES = 1 << 20;
const SIDE = 768;

/** Show a preview if the picture does not come soon. */
export function showPreview(pane: Pane, image: ImageInfo): void {
  const layout = layoutOfImage(image);
  if (!layout) return;
  const { rows, columns, samples, bitsAllocated } = layout;
  if ((rows * columns * samples * bitsAllocated) / 8 < LEAST_BYTES) return;
  setTimeout(() => {
    if (isAwaited(pane, image)) fetchPreview(pane, image);
  }, PATIENCE_MS);
}

function isAwaited(pane: Pane, image: ImageInfo): boolean {
  const wanted = pane.image.peek();
  const isSame = wanted && imageKey(wanted.address) === imageKey(image.address);
  return Boolean(isSame) && !pane.shown.peek() && pane.progress.peek().kind === "loading";
}

async function fetchPreview(pane: Pane, image: ImageInfo): Promise<void> {
  try {
    const reply = await ask(previewAddress(image, SIDE), {
      headers: { Accept: "image/jpeg" },
    });
    const drawn = await createImageBitmap(await reply.blob());
    if (isAwaited(pane, image)) pane.preview.value = { image, drawn };
  } catch {
    // The picture itself comes, or says what is wrong.
  }
}
