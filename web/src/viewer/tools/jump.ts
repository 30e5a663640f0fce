/** Going to a measurement: its image, or its plane. */

import { effect } from "@preact/signals";
import { announce } from "~/core/announce";
import { openIn } from "~/viewer/stack/desk";
import { placeOfImage } from "~/viewer/stack/opening";
import { goTo, isListed } from "~/viewer/stack/pane_state";
import { goWhenListed } from "~/viewer/stack/service";
import { showImage } from "~/viewer/stage";
import type { Kit } from "./kit";
import type { OnImage } from "./shape";
import type { Kept } from "./shelf";
import { t } from "./texts";

/** Show what a measurement lies on, and select it. */
export function jumpTo(kit: Kit, shape: Kept): void {
  const shelf = kit.shelfOf(kit.ground.peek());
  kit.placing.value = null;
  if (shape.where.kind === "plane") toPlane(kit, shape);
  else toImage(kit, shape.where, shape.series);
  shelf.selected.value = shape.id;
  const text = shelf.textOf(shape);
  announce(t("shapeNamed", { kind: t(shape.kind), n: "", text }));
}

function toImage({ desk }: Kit, { image }: OnImage, seriesUid: string): void {
  desk.mode.value = null;
  const pane = desk.activePane.peek();
  const at = placeOfImage(pane.images.peek(), image);
  const study = pane.study.peek();
  const series = study?.series.find((each) => each.series_uid === seriesUid);
  if (at >= 0) goTo(pane, at);
  else if (study && series && study.id !== desk.study.peek()?.id) {
    // The stage is asked for images of the study that is read, and of no prior one.
    openIn(pane, study, series);
    goWhenListed(pane, series, image, () => true);
  } else showImage(desk.stage, image);
}

/** The planes take it up: at once, or when the volume of its series is there. */
function toPlane(kit: Kit, shape: Kept): void {
  const { desk } = kit;
  const pane = desk.activePane.peek();
  kit.wanted.value = shape;
  if (pane.series.peek()?.series_uid === shape.series) {
    desk.mode.value = "mpr";
    return;
  }
  const study = pane.study.peek();
  const series = study?.series.find((each) => each.series_uid === shape.series);
  if (!study || !series) return;
  desk.mode.value = null; // a pane lists its images while it is seen
  openIn(pane, study, series);
  const stop = effect(() => {
    if (pane.series.value !== series) queueMicrotask(() => stop());
    else if (pane.shown.value?.image.series === shape.series && isListed(pane)) {
      queueMicrotask(() => stop());
      desk.mode.value = "mpr";
    }
  });
}
