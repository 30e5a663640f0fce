/** Linked scrolling: which slice of another series lies where one's own is. */

import { cross, dot, type Vector } from "~/viewer/mpr/vector";

/** What linking needs to know of a slice; null where a header says nothing. */
export interface Located {
  readonly position: Vector | null;
  readonly orientation: readonly [along: Vector, down: Vector] | null;
  /** Frame of Reference UID (0020,0052), "" where it is not said. */
  readonly frameOfReference: string;
}

/** Cosine of 15°: planes that lean more than that are not compared by position. */
const ALIKE = Math.cos((15 * Math.PI) / 180);

/** How two series are linked. */
export type Link =
  | { readonly by: "position"; readonly offset: number }
  | { readonly by: "index"; readonly offset: number };

/**
 * Link two series as they stand now.
 *
 * With one frame of reference positions are compared as they are. Two examinations have two
 * frames: then what is on the screen together now stays together, in mm. Where planes
 * differ or have no position, slices are counted.
 */
export function linkOf(
  leader: readonly Located[],
  at: number,
  follower: readonly Located[],
  other: number,
): Link {
  const normal = normalOf(leader[at]);
  const [a, b] = [depth(leader[at], normal), depth(follower[other], normal)];
  const isAlike =
    Math.abs(dot(normal ?? [0, 0, 0], normalOf(follower[other]) ?? [0, 0, 0])) >= ALIKE;
  if (a === null || b === null || !isAlike) return { by: "index", offset: other - at };
  const isSame =
    leader[at]?.frameOfReference !== "" &&
    leader[at]?.frameOfReference === follower[other]?.frameOfReference;
  return { by: "position", offset: isSame ? 0 : b - a };
}

/** The follower's slice that belongs to the leader's, within its series. */
export function follow(
  link: Link,
  leader: readonly Located[],
  at: number,
  follower: readonly Located[],
): number {
  const last = follower.length - 1;
  if (link.by === "index") return Math.min(Math.max(at + link.offset, 0), last);
  const normal = normalOf(leader[at]);
  const wanted = (depth(leader[at], normal) ?? 0) + link.offset;
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  follower.forEach((each, index) => {
    const away = Math.abs((depth(each, normal) ?? Number.POSITIVE_INFINITY) - wanted);
    if (away < least) [best, least] = [index, away];
  });
  return best;
}

function normalOf(slice: Located | undefined): Vector | null {
  return slice?.orientation ? cross(...slice.orientation) : null;
}

function depth(slice: Located | undefined, normal: Vector | null): number | null {
  return slice?.position && normal ? dot(normal, slice.position) : null;
}
