/** From what a reader drew on the screen to what the service takes. */

import type { Box, ImageAddress, Painted, Shown } from "~/viewer/stage";
import type { Assessment } from "./diagnosis";
import { sliceOf } from "./diagnosis";
import { base64, maskPng } from "./png";
import type { PaintedSlice } from "./sending";
import type { Judgement } from "./verdicts";

/** A box that is being drawn, and on which image. */
export interface Drawn {
  readonly image: ImageAddress;
  readonly box: Box;
}

/** Slices that hold a painted pixel, of those that the assessment looked at. */
export async function slicesOf(
  assessment: Assessment,
  painted: Painted | undefined,
  shown: Pick<Shown, "rows" | "columns"> | null,
): Promise<readonly PaintedSlice[]> {
  const found: PaintedSlice[] = [];
  for (const [key, inside] of painted ?? []) {
    const slice = sliceOf(assessment, addressOfKey(key));
    if (slice === null || !shown || !inside.some((value) => value > 0)) continue;
    const png = await maskPng(inside, shown.rows, shown.columns);
    found.push({ slice, png: base64(png) });
  }
  return found.sort((a, b) => a.slice - b.slice);
}

/** How many slices hold a painted pixel. */
export function paintedCount(painted: Painted | undefined): number {
  return [...(painted ?? [])].filter(([, inside]) => inside.some((value) => value > 0))
    .length;
}

/** An image as the assessment names it; null where it is none of those. */
export function namedImage(
  assessment: Assessment,
  image: ImageAddress,
): NonNullable<Judgement["image"]> | null {
  const found = assessment.images.find(
    (each) => each.sop_instance_uid === image.sop && (each.frame ?? 1) === image.frame,
  );
  return found ? { sop_uid: found.sop_instance_uid, frame: found.frame } : null;
}

/** The reverse of `imageKey`. */
function addressOfKey(key: string): ImageAddress {
  const [sop = "", frame = "1"] = key.split("#");
  return { sop, frame: Number(frame) };
}
