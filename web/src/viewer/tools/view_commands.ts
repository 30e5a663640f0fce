/** Commands of window and view: all that a drag can do, and the digits. */

import type { Command } from "~/core/keys/commands";
import { text } from "~/viewer/load/dicom_json";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import {
  fitted,
  flipped,
  oneToOne,
  type Point,
  START,
  turned,
} from "~/viewer/stack/view";
import { changeView, panBy, setWindow, usePreset, windowNow, zoomBy } from "./gesture";
import { type Preset, presetsOf, steppedWindow } from "./presets";
import { t } from "./texts";

const CLOSER = 1.25;
const TENTH = 0.1;

/** The presets of what a pane shows; none for colour. */
export function presetsOn(pane: Pane): readonly Preset[] {
  const shown = pane.shown.value;
  if (shown?.picture.kind !== "grey") return [];
  const { modality } = shown.picture;
  return presetsOf(text(shown.image.data, "Modality"), modality.unit === "HU");
}

/** A preset in words. */
export function presetText(preset: Preset, pane: Pane): string {
  if (preset.kind === "percentile") {
    return t("percentile", { low: preset.low, high: preset.high });
  }
  if (preset.kind === "full") return t("full");
  if (preset.kind === "fixed") return t(preset.name);
  const label = pane.shown.value?.picture.vois[0]?.label ?? "";
  return label ? t("ownNamed", { name: label }) : t("own");
}

/** Commands of the active pane's view and window. */
export function viewCommands(desk: Desk): readonly Command[] {
  const pane = () => desk.activePane.peek();
  const isShown = () => pane().shown.peek() !== null;
  const isHere = () => isShown() && desk.mode.peek() === null;
  const on = (
    id: string,
    keys: readonly string[],
    said: () => string,
    run: (on: Pane) => void,
    when = isHere,
  ): Command => ({
    id: `viewer.${id}`,
    place: "viewer",
    keys,
    text: said,
    run: () => run(pane()),
    when,
  });
  const moved = (id: string, key: string, said: Parameters<typeof t>[0], by: Point) =>
    on(id, [`Shift+${key}`], () => t(said), (at) => panBy(at, by)); // biome-ignore format: one line
  return [
    on(
      "zoom-in",
      ["+", "="],
      () => t("zoomIn"),
      (at) => zoomBy(at, CLOSER),
    ),
    on(
      "zoom-out",
      ["-"],
      () => t("zoomOut"),
      (at) => zoomBy(at, 1 / CLOSER),
    ),
    on(
      "fit",
      ["f"],
      () => t("fit"),
      (at) => changeView(at, fitted),
    ),
    on(
      "one-to-one",
      ["Shift+f"],
      () => t("oneToOne"),
      (at) => changeView(at, oneToOne),
    ),
    on(
      "invert",
      ["i"],
      () => t("invert"),
      (at) => {
        at.isInverted.value = !at.isInverted.peek();
      },
      isShown,
    ),
    on(
      "flip-horizontal",
      ["Shift+h"],
      () => t("flipHorizontal"),
      (at) => changeView(at, (view) => flipped(view, "across")),
    ),
    on(
      "flip-vertical",
      ["Shift+v"],
      () => t("flipVertical"),
      (at) => changeView(at, (view) => flipped(view, "down")),
    ),
    on(
      "turn",
      ["Shift+r"],
      () => t("turn"),
      (at) => changeView(at, (view) => turned(view)),
    ),
    on("reset", ["0"], () => t("reset"), resetPane),
    moved("pan-left", "ArrowLeft", "panLeft", [-TENTH, 0]),
    moved("pan-right", "ArrowRight", "panRight", [TENTH, 0]),
    moved("pan-up", "ArrowUp", "panUp", [0, -TENTH]),
    moved("pan-down", "ArrowDown", "panDown", [0, TENTH]),
    ...windowCommands((id, keys, said, run) => on(id, keys, said, run, isShown)),
    ...Array.from({ length: 9 }, (_, at) => presetCommand(desk, at)),
  ];
}

type On = (
  id: string,
  keys: readonly string[],
  said: () => string,
  run: (on: Pane) => void,
) => Command;

function windowCommands(on: On): readonly Command[] {
  const step = (what: "center" | "width", sign: 1 | -1) => (pane: Pane) => {
    const now = windowNow(pane);
    if (now) setWindow(pane, steppedWindow(now, what, sign));
  };
  return [
    on("wider", ["Ctrl+ArrowRight"], () => t("wider"), step("width", 1)),
    on("narrower", ["Ctrl+ArrowLeft"], () => t("narrower"), step("width", -1)),
    // A lower centre lets more of the values be bright.
    on("brighter", ["Ctrl+ArrowUp"], () => t("brighter"), step("center", -1)),
    on("darker", ["Ctrl+ArrowDown"], () => t("darker"), step("center", 1)),
  ];
}

function presetCommand(desk: Desk, at: number): Command {
  const preset = () => presetsOn(desk.activePane.value)[at];
  return {
    id: `viewer.preset-${at + 1}`,
    place: "viewer",
    keys: [String(at + 1)],
    text: () => {
      const found = preset();
      const name = t("preset", { n: at + 1 });
      return found ? `${name}: ${presetText(found, desk.activePane.value)}` : name;
    },
    run: () => {
      const found = preset();
      if (found) usePreset(desk.activePane.peek(), found);
    },
    when: () => preset() !== undefined,
  };
}

/** View, window and grey scale as the file has them. */
export function resetPane(pane: Pane): void {
  pane.view.value = START;
  pane.voi.value = null;
  pane.isInverted.value = false;
}
