/** What runs beside the panes: fetching ahead, and showing what the panels ask for. */

import { effect, untracked } from "@preact/signals";
import { loadSeries, shownSeries } from "../load/study";
import type { ImageAddress } from "../stage";
import { type Desk, openIn } from "./desk";
import { placeOfImage } from "./opening";
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
    const stop = effect(() => {
      const at = placeOfImage(pane.images.value, image);
      if (at < 0) return;
      untracked(() => goTo(pane, at));
      queueMicrotask(() => stop());
    });
    return;
  }
}
