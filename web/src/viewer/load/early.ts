/** What a study's page will ask for first, asked before the page is there to ask. */

import type { ImageInfo } from "./image";
import type { SeriesLine, WholeStudy } from "./study";
import { hasImages, loadFirst, loadSeries, loadStudy, shownSeries } from "./study";

/** A study that is on its way, and the images of its first series. */
interface Begun {
  readonly study: Promise<WholeStudy>;
  readonly listed: Map<string, Listing>;
}

/** A series on its way: its first image, null for a short one; then all of them. */
export interface Listing {
  readonly first: Promise<ImageInfo | null>;
  readonly all: Promise<readonly ImageInfo[]>;
}

const begun = new Map<number, Begun>();

/** Begin to load a study that will be opened in a moment. */
export function hasten(study: number): void {
  if (begun.has(study)) return;
  const never = new AbortController().signal;
  const listed = new Map<string, Listing>();
  const asked = loadStudy(study, never).then((found) => {
    const first = shownSeries(found).find(hasImages);
    if (first) listed.set(first.series_uid, listSeries(found, first, never));
    return found;
  });
  asked.catch(() => begun.delete(study)); // whoever opens it asks again, and hears why
  begun.set(study, { study: asked, listed });
}

/** A study, from what was begun where that is so; used once, so that it is never stale. */
export function takeStudy(study: number, abort: AbortSignal): Promise<WholeStudy> {
  const found = begun.get(study);
  if (!found) return loadStudy(study, abort);
  return found.study.finally(() => {
    // What was begun of its series is taken in the next moment, or not at all.
    setTimeout(() => begun.delete(study), 1_000);
  });
}

/** The images of a series, from what was begun where that is so. */
export function takeListing(
  study: WholeStudy,
  series: SeriesLine,
  abort: AbortSignal,
): Listing {
  const listed = begun.get(study.id)?.listed;
  const found = listed?.get(series.series_uid);
  listed?.delete(series.series_uid);
  return found ?? listSeries(study, series, abort);
}

/**
 * The first image, then the list: of a long series the list takes a while, and the image
 * should not wait for the service to be done with it.
 */
function listSeries(study: WholeStudy, series: SeriesLine, abort: AbortSignal): Listing {
  const uid = study.study_uid;
  const first = loadFirst(uid, series, abort).catch(() => null);
  const all = first.then(() => loadSeries(uid, series.series_uid, abort));
  all.catch(() => {}); // told to whoever waits for it
  return { first, all };
}
