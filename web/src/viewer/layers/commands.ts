/** Commands of layers and of what is edited on them. */

import { announce } from "~/core/announce";
import type { Command } from "~/core/keys/commands";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { arrowStep, middleOf, sizeOf } from "~/viewer/tools/ground";
import type { Point } from "~/viewer/tools/matrix";
import { onto } from "~/viewer/tools/shape";
import { middleBox, movedBox, resizedBox } from "./box";
import {
  beginStroke,
  boxOn,
  brushOf,
  changeBrush,
  type Editor,
  resizeBrush,
  setBox,
} from "./editor";
import { t } from "./texts";

const OPACITY_STEP = 0.1;

/** Hide, outline and opacity: there at all times. */
export function layerCommands({ stage }: Desk): readonly Command[] {
  const when = () =>
    stage.layers.value.length > 0 || stage.editing.value?.kind === "brush";
  const opaque = (by: number) => {
    stage.opacity.value = Math.min(
      1,
      Math.max(0, Math.round(10 * (stage.opacity.peek() + by)) / 10),
    );
  };
  const on = (
    id: string,
    keys: readonly string[],
    text: () => string,
    run: () => void,
  ): Command => ({
    id: `viewer.${id}`,
    place: "viewer",
    keys,
    text,
    run,
    when,
  });
  return [
    on(
      "hide-layers",
      ["h"],
      () => t(stage.areHidden.value ? "show" : "hide"),
      () => {
        stage.areHidden.value = !stage.areHidden.peek();
        announce(t(stage.areHidden.peek() ? "hide" : "show"));
      },
    ),
    on(
      "outline",
      ["o"],
      () => t("outline"),
      () => {
        stage.isOutline.value = !stage.isOutline.peek();
      },
    ),
    on(
      "more-opacity",
      ["}"],
      () => t("moreOpacity"),
      () => opaque(OPACITY_STEP),
    ),
    on(
      "less-opacity",
      ["{"],
      () => t("lessOpacity"),
      () => opaque(-OPACITY_STEP),
    ),
  ];
}

type Way = "crossLeft" | "crossRight" | "crossUp" | "crossDown";

const ARROWS: readonly (readonly [key: string, way: Way, toward: Point])[] = [
  ["ArrowLeft", "crossLeft", [-1, 0]],
  ["ArrowRight", "crossRight", [1, 0]],
  ["ArrowUp", "crossUp", [0, -1]],
  ["ArrowDown", "crossDown", [0, 1]],
];

const RESIZED = {
  ArrowLeft: "narrower",
  ArrowRight: "wider",
  ArrowUp: "flatter",
  ArrowDown: "taller",
} as const;

/** Commands for as long as something is edited: registered last, so that keys are theirs. */
export function editCommands(editor: Editor): readonly Command[] {
  const { desk, history } = editor;
  const isOn = () => desk.stage.editing.value !== null && desk.mode.peek() === null;
  const on = (
    id: string,
    keys: readonly string[],
    text: () => string,
    run: () => void,
    when: () => boolean = isOn,
  ): Command => ({ id: `tools.edit-${id}`, place: "tools", keys, text, run, when });
  return [
    ...ARROWS.flatMap(([key, way, toward]) => [
      on(
        way,
        [key],
        () => t(way),
        () => moveBy(editor, toward, false),
      ),
      on(
        `${way}-shift`,
        [`Shift+${key}`],
        () => shiftText(editor, key, way),
        () => shiftBy(editor, toward),
      ),
    ]),
    on(
      "enter",
      ["Enter"],
      () => t(brushOf(editor) ? "dab" : "placeBox"),
      () => press(editor),
    ),
    on("undo", ["Ctrl+z"], () => t("undo"), history.undo),
    on("redo", ["Ctrl+Shift+z", "Ctrl+y"], () => t("redo"), history.redo),
    ...brushCommands(editor, on),
  ];
}

type On = (
  id: string,
  keys: readonly string[],
  text: () => string,
  run: () => void,
  when?: () => boolean,
) => Command;

function brushCommands(editor: Editor, on: On): readonly Command[] {
  const isBrush = () => brushOf(editor) !== null;
  return [
    on(
      "smaller",
      ["["],
      () => t("smaller"),
      () => resizeBrush(editor, -1),
      isBrush,
    ),
    on(
      "larger",
      ["]"],
      () => t("larger"),
      () => resizeBrush(editor, 1),
      isBrush,
    ),
    on(
      "brush",
      ["Shift+b"],
      () => t("brush"),
      () => take(editor, false, false),
      isBrush,
    ),
    on(
      "eraser",
      ["Shift+e"],
      () => t("eraser"),
      () => take(editor, true, false),
      isBrush,
    ),
    on(
      "fill",
      ["Shift+g"],
      () => t("fill"),
      () => take(editor, false, true),
      isBrush,
    ),
  ];
}

function take(editor: Editor, isErasing: boolean, isFilling: boolean): void {
  editor.isFilling.value = isFilling;
  changeBrush(editor, { isErasing });
}

function shiftText(editor: Editor, key: string, way: Way): string {
  return brushOf(editor)
    ? t("crossFar", { way: t(way) })
    : t(RESIZED[key as keyof typeof RESIZED]);
}

/** Arrow keys: move the box, or the cross that paints. */
function moveBy(editor: Editor, toward: Point, isFar: boolean): void {
  const pane = editor.desk.activePane.peek();
  const [size, step] = [sizeOf(pane), arrowStep(pane, toward, isFar)];
  if (!size) return;
  const box = boxOn(editor, pane)?.box;
  if (box) setBox(editor, box, movedBox(box, step, size));
  if (!brushOf(editor)) return;
  const [x, y] = editor.cross.peek() ?? middle(pane);
  editor.cross.value = onto([x + step[0], y + step[1]], size);
}

/** The centre of the middle pixel. */
function middle(pane: Pane): Point {
  const [x, y] = middleOf(pane);
  return [x + 0.5, y + 0.5];
}

/** Shift and arrow keys: resize the box, or move the cross by ten pixels. */
function shiftBy(editor: Editor, toward: Point): void {
  const pane = editor.desk.activePane.peek();
  if (brushOf(editor)) {
    moveBy(editor, toward, true);
    return;
  }
  const [box, size] = [boxOn(editor, pane)?.box, sizeOf(pane)];
  // The sides as they are seen: on a turned image they are others.
  const [x, y] = arrowStep(pane, toward, false);
  const sign = toward[0] + toward[1];
  if (box && size)
    setBox(editor, box, resizedBox(box, [Math.abs(x) * sign, Math.abs(y) * sign], size));
}

function press(editor: Editor): void {
  const pane = editor.desk.activePane.peek();
  const size = sizeOf(pane);
  if (!size) return;
  if (brushOf(editor)) {
    const at = editor.cross.peek() ?? middle(pane);
    editor.cross.value = at;
    beginStroke(editor, pane, at)?.end();
    return;
  }
  const editing = boxOn(editor, pane);
  if (editing && !editing.box) setBox(editor, null, middleBox(size));
}
