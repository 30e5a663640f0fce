/** Pictures of layers: fetched once, kept as grey values. */

import { type Signal, signal } from "@preact/signals";
import { ask } from "~/core/api/client";
import type { Grey } from "./contour";

/** What is known of a picture. */
export type Source =
  | { readonly kind: "loading" }
  | { readonly kind: "failed" }
  | { readonly kind: "here"; readonly grey: Grey };

const MOST_KEPT = 96;
/** How long a failure stands before the picture is asked for again. */
const PATIENCE_MS = 15_000;
/** As many pixels as the largest image that is shown. */
const MOST_PIXELS = 64e6;
const kept = new Map<string, Signal<Source>>();

/** The picture at an address of this service; read it in an effect to be told. */
export function sourceOf(address: string): Signal<Source> {
  const known = kept.get(address);
  if (known) {
    kept.delete(address);
    kept.set(address, known); // now the newest
    return known;
  }
  const found = signal<Source>({ kind: "loading" });
  kept.set(address, found);
  const [oldest] = kept.keys();
  if (kept.size > MOST_KEPT && oldest) kept.delete(oldest);
  fetchGrey(address)
    .then((grey) => {
      found.value = { kind: "here", grey };
    })
    .catch(() => {
      found.value = { kind: "failed" };
      // Asked again by a later look, and not by the drawing that is told of the failure.
      setTimeout(() => kept.delete(address), PATIENCE_MS);
    });
  return found;
}

/**
 * The grey values of a picture, asked for now.
 *
 * @throws ProblemError, OfflineError, RangeError it is too large.
 */
export async function fetchGrey(address: string, abort?: AbortSignal): Promise<Grey> {
  const reply = await ask(address, {
    headers: { Accept: "image/png" },
    ...(abort ? { signal: abort } : {}),
  });
  const bitmap = await createImageBitmap(await reply.blob(), {
    colorSpaceConversion: "none", // values, not colours: 2 stays 2
    premultiplyAlpha: "none",
  });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) throw new RangeError("the picture is too large");
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas to read a picture with");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const values = new Uint8Array(width * height);
  for (let at = 0; at < values.length; at += 1) values[at] = data[4 * at] ?? 0;
  return { rows: height, columns: width, values };
}
