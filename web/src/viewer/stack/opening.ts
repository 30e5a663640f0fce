/** Fills a pane: lists its series, loads its image, tells the stage what is seen. */

import { batch, computed, effect, untracked } from "@preact/signals";
import { imageStands } from "../load/calm";
import { takeListing } from "../load/early";
import type { ImageInfo } from "../load/image";
import { isAborted } from "../load/queue";
import { layoutOfImage } from "../load/size";
import { millimetres } from "../load/spacing";
import { loadSeries, type SeriesLine, type WholeStudy } from "../load/study";
import { type ImageAddress, imageKey, type Shown } from "../stage";
import type { Desk } from "./desk";
import { isListed, type Pane } from "./pane_state";
import { showPreview } from "./preview";
import { START } from "./view";

/** Keep a pane filled; returns what ends it. */
export function keepFilled(desk: Desk, pane: Pane): () => void {
  const ends = [listSeries(pane), loadImage(desk, pane)];
  return () => {
    for (const end of ends) end();
  };
}

/** Lists the images whenever the pane gets another series. */
function listSeries(pane: Pane): () => void {
  // More images of the same series change its line, but it is no other series.
  const id = computed(() => pane.series.value?.id);
  return effect(() => {
    const isOpened = id.value !== undefined;
    const [study, series] = [pane.study.peek(), pane.series.peek()];
    if (!isOpened || !study || !series) return undefined;
    // Planes took the pane's place for a while: what was seen before them stays.
    if (untracked(() => isListed(pane))) return undefined;
    const abort = new AbortController();
    untracked(() => list(pane, study, series, abort.signal));
    return () => abort.abort();
  });
}

/** Try again what failed: the list where that did not come, else the image. */
export function tryAgain(desk: Desk, pane: Pane): void {
  const image = pane.image.peek();
  if (image && pane.unlisted.peek() === null) show(desk, pane, image);
  else listAgain(pane);
}

/** Ask for the list of the pane's series again. */
export function listAgain(pane: Pane): void {
  const [study, series] = [pane.study.peek(), pane.series.peek()];
  if (study && series) list(pane, study, series, new AbortController().signal);
}

function list(
  pane: Pane,
  study: WholeStudy,
  series: SeriesLine,
  abort: AbortSignal,
): void {
  empty(pane);
  pane.progress.value = { kind: "listing" };
  // A list that was asked for again has no other sign that the pane went on.
  const isOver = () => abort.aborted || pane.series.peek()?.id !== series.id;
  const { first, all } = takeListing(study, series, abort);
  // The whole list says what is wrong, if something is.
  first.then((image) => {
    if (image && !isOver() && pane.images.peek().length === 0) {
      pane.images.value = [image];
    }
  });
  all
    .then((images) => {
      if (!isOver()) replaceImages(pane, images);
    })
    .catch((error: unknown) => {
      if (isOver()) return;
      imageStands();
      pane.unlisted.value = error;
      pane.progress.value = { kind: "failed", error };
    });
}

function empty(pane: Pane): void {
  pane.unlisted.value = null;
  pane.images.value = [];
  pane.index.value = 0;
  pane.shown.value = null;
  pane.preview.value = null;
  pane.voi.value = null;
  pane.isInverted.value = false;
  pane.view.value = START;
}

/** What is on the screen stays there, at its place in the whole list. */
function replaceImages(pane: Pane, images: readonly ImageInfo[]): void {
  const seen = pane.image.peek();
  const at = seen ? placeOfImage(images, seen.address) : 0;
  // At once: in between another image would stand at the old place.
  batch(() => {
    pane.unlisted.value = null;
    pane.images.value = images;
    pane.index.value = Math.max(0, at);
  });
  if (images.length === 0) {
    pane.progress.value = { kind: "failed", error: new Error("empty") };
  }
}

/** Take up images that came while a study was open; what is seen stays where it is. */
export function takeUp(pane: Pane, study: WholeStudy): () => void {
  const abort = new AbortController();
  const old = pane.series.peek();
  const now = study.series.find(({ id }) => id === old?.id);
  if (!old || !now || now.instance_count === old.instance_count) return () => {};
  loadSeries(study.study_uid, now.series_uid, abort.signal)
    .then((images) => {
      if (abort.signal.aborted || pane.series.peek()?.id !== now.id) return;
      pane.study.value = study;
      pane.series.value = now;
      replaceImages(pane, images);
    })
    .catch(() => {}); // what is here can still be read; the next change tries again
  return () => abort.abort();
}

/** Index of an image in a list, -1 where it is not in it. */
export function placeOfImage(
  images: readonly ImageInfo[],
  { sop, frame }: ImageAddress,
): number {
  return images.findIndex(
    ({ address }) => address.sop === sop && address.frame === frame,
  );
}

/** Loads what the pane's place says; what is seen stays until the next is there. */
function loadImage(desk: Desk, pane: Pane): () => void {
  return effect(() => {
    const image = pane.image.value;
    if (!image) return;
    untracked(() => show(desk, pane, image));
  });
}

/** Show an image, also after it failed. */
function show(desk: Desk, pane: Pane, image: ImageInfo): void {
  const here = desk.library.peek(image);
  if (here) {
    put(pane, image, here);
    return;
  }
  pane.progress.value = { kind: "loading" };
  if (!pane.shown.peek()) showPreview(pane, image);
  desk.library
    .show(image)
    .then((picture) => {
      if (isWanted(pane, image)) put(pane, image, picture);
    })
    .catch((error: unknown) => {
      if (!isWanted(pane, image) || isAborted(error)) return;
      pane.shown.value = null;
      pane.preview.value = null;
      pane.progress.value = { kind: "failed", error };
      imageStands();
    });
}

function isWanted(pane: Pane, image: ImageInfo): boolean {
  const wanted = pane.image.peek();
  return wanted !== null && imageKey(wanted.address) === imageKey(image.address);
}

function put(
  pane: Pane,
  image: ImageInfo,
  picture: NonNullable<Pane["shown"]["value"]>["picture"],
): void {
  pane.shown.value = { image, picture };
  pane.preview.value = null;
  // One image of many must not pass for the whole series.
  const error = pane.unlisted.peek();
  pane.progress.value = error === null ? { kind: "shown" } : { kind: "failed", error };
}

/** What the stage is told of a pane; null while nothing is seen. */
export function shownOf(pane: Pane): Shown | null {
  const [study, shown] = [pane.study.value, pane.shown.value];
  const layout = shown && layoutOfImage(shown.image);
  if (!study || !shown || !layout) return null;
  return {
    study: study.id,
    series: shown.image.series,
    image: shown.image.address,
    index: placeOfImage(pane.images.value, shown.image.address),
    count: pane.images.value.length,
    rows: layout.rows,
    columns: layout.columns,
    spacing: millimetres(shown.image.spacing),
  };
}
