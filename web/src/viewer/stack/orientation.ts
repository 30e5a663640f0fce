/** The letters at the edges of an image (PS3.3 C.7.6.1.1.1): where the patient's left is. */

import type { ImageInfo, Vector } from "../load/image";
import type { View } from "./view";

/** Letters at the four edges as they are seen, "" where it is not known. */
export interface Edges {
  readonly left: string;
  readonly right: string;
  readonly top: string;
  readonly bottom: string;
}

const AXES = [
  ["L", "R"],
  ["P", "A"],
  ["H", "F"],
] as const;
/** A direction within about 12° of an axis has that letter alone. */
const LEAST_SHARE = 0.2;

const OPPOSITES: Readonly<Record<string, string>> = {
  L: "R",
  R: "L",
  A: "P",
  P: "A",
  H: "F",
  F: "H",
};

/** Letters of a direction in the patient (LPS), the strongest first: "LA". */
export function lettersOf(direction: Vector): string {
  return direction
    .map((share, axis) => ({ share, names: AXES[axis] ?? ["", ""] }))
    .filter(({ share }) => Math.abs(share) >= LEAST_SHARE)
    .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
    .map(({ share, names }) => (share > 0 ? names[0] : names[1]))
    .join("");
}

/** The letters of the other way: "LA" → "RP"; "" where a letter is of no human. */
export function oppositeOf(letters: string): string {
  const others = [...letters].map((letter) => OPPOSITES[letter] ?? "");
  return others.every(Boolean) ? others.join("") : "";
}

/** Letters at the edges of an image as it is stored; null where nothing is said. */
export function storedEdges(image: ImageInfo): Edges | null {
  const { plane, patientOrientation } = image;
  const right = plane ? lettersOf(plane.alongRow) : (patientOrientation?.[0] ?? "");
  const bottom = plane ? lettersOf(plane.alongColumn) : (patientOrientation?.[1] ?? "");
  if (!right && !bottom) return null;
  return { right, bottom, left: oppositeOf(right), top: oppositeOf(bottom) };
}

/** The same after a view's turn and flips. */
export function seenEdges(stored: Edges, view: View): Edges {
  let seen = stored;
  for (let turn = 0; turn < view.turn; turn += 90) {
    seen = { top: seen.left, right: seen.top, bottom: seen.right, left: seen.bottom };
  }
  if (view.isFlippedAcross) seen = { ...seen, left: seen.right, right: seen.left };
  if (view.isFlippedDown) seen = { ...seen, top: seen.bottom, bottom: seen.top };
  return seen;
}
