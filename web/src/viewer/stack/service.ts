/** What runs beside the panes: fetching ahead, and showing what the panels ask for. */

import { effect, untracked } from "@preact/signals";
import { OfflineError } from "~/core/api/problem";
import { line } from "~/core/events";
import { loadSeries, type SeriesLine, shownSeries } from "../load/study";
import type { ImageAddress } from "../stage";
import { type Desk, openIn } from "./desk";
import { placeOfImage, tryAgain } from "./opening";
import { goTo, type Pane } from "./pane_state";

/** Fetch around what all panes show. */
export function keepAhead(desk: Desk): () => void {
  return effect(() => {
    const foci = desk.panes.value
      .filter((pane) => pane.images.value.length > 0)
      .map((pane) => ({
        images: pane.images.value,
        index: pane.index.value,
        heading: pane.heading.value,
      }));
    untracked(() => desk.library.focus(foci));
  });
}

/** Show the image that the stage asks for, in the pane that has its series. */
export function keepWanted(desk: Desk): () => void {
  let latest: ImageAddress | null = null;
  return effect(() => {
    const wanted = desk.stage.wanted.value;
    const study = desk.study.value;
    if (!wanted || !study) return;
    latest = wanted.image;
    untracked(() => {
      if (!showIn(panesByUse(desk), wanted.image)) {
        find(desk, wanted.image, () => latest === wanted.image);
      }
    });
  });
}

function panesByUse(desk: Desk): readonly Pane[] {
  const active = desk.activePane.peek();
  return [active, ...desk.panes.peek().filter((pane) => pane !== active)];
}

/** Go to an image in the first pane that has it. */
function showIn(panes: readonly Pane[], image: ImageAddress): boolean {
  for (const pane of panes) {
    const at = placeOfImage(pane.images.peek(), image);
    if (at >= 0) {
      goTo(pane, at);
      return true;
    }
  }
  return false;
}

/** Look through the study's series for an image, open the one that has it, and go there. */
async function find(
  desk: Desk,
  image: ImageAddress,
  isStillWanted: () => boolean,
): Promise<void> {
  const study = desk.study.peek();
  if (!study) return;
  const pane = desk.activePane.peek();
  for (const series of shownSeries(study)) {
    const abort = new AbortController().signal;
    const images = await loadSeries(study.study_uid, series.series_uid, abort).catch(
      () => [],
    );
    if (!isStillWanted()) return;
    if (placeOfImage(images, image) < 0) continue;
    openIn(pane, study, series);
    goWhenListed(pane, series, image, isStillWanted);
    return;
  }
}

/** Go to an image once it is in the list, unless the reader went elsewhere meanwhile. */
export function goWhenListed(
  pane: Pane,
  series: SeriesLine,
  image: ImageAddress,
  isStillWanted: () => boolean,
): void {
  const stop = effect(() => {
    const at = placeOfImage(pane.images.value, image);
    const isOver = pane.series.value?.id !== series.id || !isStillWanted();
    if (at < 0 && !isOver) return;
    if (!isOver) untracked(() => goTo(pane, at));
    queueMicrotask(() => stop());
  });
}

/** What failed for want of a line is asked for again as soon as there is one. */
export function keepRetried(desk: Desk): () => void {
  return effect(() => {
    if (line.value !== "open") return;
    untracked(() => {
      desk.library.forgive();
      for (const pane of desk.panes.peek()) retry(desk, pane);
    });
  });
}

function retry(desk: Desk, pane: Pane): void {
  const progress = pane.progress.peek();
  if (progress.kind !== "failed" || !(progress.error instanceof OfflineError)) return;
  tryAgain(desk, pane);
}
