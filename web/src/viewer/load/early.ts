/** What a study's page will ask for first, asked before the page is there to ask. */

import { expectImage, whenCalm } from "./calm";
import type { ImageInfo } from "./image";
import { askOpening, type Opening } from "./opening";
import { loadSeries, loadStudy, type SeriesLine, type WholeStudy } from "./study";

/** A study that is on its way, and its first image. */
interface Begun {
  readonly study: Promise<WholeStudy>;
  opening: Promise<Opening | null> | null;
  readonly takers: Set<Taker>;
}

/** Who opens a study: each gets what was begun once, so that it is never stale. */
export type Taker = "page" | "viewer";

/** A series on its way: its first image, null where only the list has it; then all. */
export interface Listing {
  readonly first: Promise<ImageInfo | null>;
  readonly all: Promise<readonly ImageInfo[]>;
}

const begun = new Map<number, Begun>();
const KEPT_MS = 10_000;

/** Begin to load a study that will be opened in a moment. */
export function hasten(study: number): void {
  if (begun.has(study)) return;
  expectImage();
  const never = new AbortController().signal;
  const opening = askOpening(study, null, never);
  const found = loadStudy(study, never);
  const forget = () => begun.delete(study);
  found.catch(forget); // whoever opens it asks again, and hears why
  setTimeout(forget, KEPT_MS);
  begun.set(study, { study: found, opening, takers: new Set() });
}

/** A study, from what was begun where that is so. */
export function takeStudy(
  study: number,
  taker: Taker,
  abort: AbortSignal,
): Promise<WholeStudy> {
  const found = begun.get(study);
  if (!found || found.takers.has(taker)) return loadStudy(study, abort);
  found.takers.add(taker);
  return found.study;
}

/**
 * The images of a series: the first one by itself, so that it waits for no list; then
 * all of them, once the first stands.
 */
export function takeListing(
  study: WholeStudy,
  series: SeriesLine,
  abort: AbortSignal,
): Listing {
  const early = begun.get(study.id)?.opening ?? null;
  const found = early
    ? takeEarly(study, series, early, abort)
    : openingOf(study, series, abort);
  const first = found.then((opening) => opening?.images[0] ?? null);
  const all = found.then(async (opening) => {
    // An instance that is alone is the whole series.
    if (opening && series.instance_count === 1) return opening.images;
    if (opening) await whenCalm();
    return loadSeries(study.study_uid, series.series_uid, abort);
  });
  all.catch(() => {}); // told to whoever waits for it
  return { first, all };
}

async function takeEarly(
  study: WholeStudy,
  series: SeriesLine,
  early: Promise<Opening | null>,
  abort: AbortSignal,
) {
  const now = begun.get(study.id);
  if (now) now.opening = null; // a list that is asked for again is a new one
  const opening = await early;
  return opening?.series === series.series_uid
    ? opening
    : openingOf(study, series, abort);
}

function openingOf(study: WholeStudy, series: SeriesLine, abort: AbortSignal) {
  expectImage();
  return askOpening(study.id, series.id, abort);
}
