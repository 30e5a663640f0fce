/** What a reader does with a stack, by keys and by buttons. */

import type { Command } from "~/core/keys/commands";
import type { Cine } from "../cine/cine";
import { nextRate, rateOf } from "../cine/cine";
import { shownSeries } from "../load/study";
import { t } from "../texts";
import { type Desk, openIn } from "./desk";
import { goTo, step } from "./pane_state";

const TEN = 10;

/** The commands of the active pane. */
export function stackCommands(desk: Desk, cine: Cine): readonly Command[] {
  const pane = () => desk.activePane.peek();
  const isStack = () => pane().images.peek().length > 1 && desk.mode.peek() === null;
  const on = (
    id: string,
    keys: readonly string[],
    text: () => string,
    run: () => void,
    when: () => boolean = isStack,
  ): Command => ({ id: `viewer.${id}`, place: "viewer", keys, text, run, when });
  return [
    on(
      "next-image",
      ["ArrowDown", "ArrowRight"],
      () => t("nextImage"),
      () => step(pane(), 1),
    ),
    on(
      "previous-image",
      ["ArrowUp", "ArrowLeft"],
      () => t("previousImage"),
      () => step(pane(), -1),
    ),
    on(
      "ten-on",
      ["PageDown"],
      () => t("nextTen"),
      () => step(pane(), TEN),
    ),
    on(
      "ten-back",
      ["PageUp"],
      () => t("previousTen"),
      () => step(pane(), -TEN),
    ),
    on(
      "first-image",
      ["Home"],
      () => t("firstImage"),
      () => goTo(pane(), 0),
    ),
    on(
      "last-image",
      ["End"],
      () => t("lastImage"),
      () => goTo(pane(), pane().images.peek().length - 1),
    ),
    on(
      "play",
      ["Space"],
      () => t(cine.isPlaying.value ? "pause" : "play"),
      () => {
        cine.isPlaying.value = !cine.isPlaying.peek();
      },
    ),
    on(
      "faster",
      [">"],
      () => t("faster"),
      () => changeRate(desk, cine, true),
    ),
    on(
      "slower",
      ["<"],
      () => t("slower"),
      () => changeRate(desk, cine, false),
    ),
    on(
      "next-series",
      ["."],
      () => t("nextSeries"),
      () => turnSeries(desk, 1),
      () => hasMore(desk),
    ),
    on(
      "previous-series",
      [","],
      () => t("previousSeries"),
      () => turnSeries(desk, -1),
      () => hasMore(desk),
    ),
  ];
}

function changeRate(desk: Desk, cine: Cine, up: boolean): void {
  cine.rate.value = nextRate(rateOf(cine, desk.activePane.peek()), up);
}

function hasMore(desk: Desk): boolean {
  const study = desk.activePane.peek().study.peek();
  return study !== null && shownSeries(study).length > 1;
}

function turnSeries(desk: Desk, by: number): void {
  const pane = desk.activePane.peek();
  const study = pane.study.peek();
  if (!study) return;
  const all = shownSeries(study);
  const at = all.findIndex((each) => each.id === pane.series.peek()?.id);
  const next = all[(at + by + all.length) % all.length];
  if (next) openIn(pane, study, next);
}
