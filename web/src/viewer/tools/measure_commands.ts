/** Commands of the tools in hand: choose one, set points by keys, move, delete, undo. */

import { announce } from "~/core/announce";
import type { Command } from "~/core/keys/commands";
import { BASIC_TOOLS } from "~/viewer/stack/desk";
import { goTo, type Pane } from "~/viewer/stack/pane_state";
import { imageKey } from "~/viewer/stage";
import {
  arrowStep,
  isKind,
  KINDS,
  type Kit,
  measured,
  middleOf,
  place,
  selectedOn,
  set,
  sizeOf,
  start,
} from "./kit";
import type { Point } from "./matrix";
import { movedBy } from "./shape";
import type { Kept } from "./shelf";
import { t } from "./texts";

const TOOL_KEYS: Readonly<Record<string, string>> = {
  window: "w",
  pan: "p",
  zoom: "z",
  scroll: "s",
  length: "l",
  angle: "a",
  rectangle: "r",
  ellipse: "e",
  probe: "q",
};

/** All tools of the left button, in their order. */
export const TOOLS = [...BASIC_TOOLS, ...KINDS] as const;

/** A command for each tool. */
export function toolCommands(kit: Kit): readonly Command[] {
  return TOOLS.map((tool) => ({
    id: `tools.${tool}`,
    place: "tools",
    keys: [TOOL_KEYS[tool] ?? ""],
    text: () => t(tool),
    when: () => kit.desk.mode.peek() === null,
    run: () => {
      kit.placing.value = null;
      kit.desk.tool.value = tool;
      announce(t("toolNamed", { tool: t(tool) }));
    },
  }));
}

/** Commands that are there at all times. */
export function measureCommands(kit: Kit): readonly Command[] {
  const pane = () => kit.desk.activePane.peek();
  const isFree = () => kit.desk.mode.peek() === null && !kit.desk.stage.editing.peek();
  const shelf = () => kit.shelfOf(pane());
  const on = (
    id: string,
    keys: readonly string[],
    text: () => string,
    run: () => void,
    when: () => boolean,
  ): Command => ({
    id: `tools.${id}`,
    place: "tools",
    keys,
    text,
    run,
    when: () => isFree() && when(),
  });
  return [
    on(
      "place",
      ["Enter"],
      () => t("place"),
      () => placeByKey(kit, pane()),
      () => isKind(kit.desk.tool.peek()) && pane().shown.peek() !== null,
    ),
    on(
      "next-shape",
      ["m"],
      () => t("nextShape"),
      () => nextShape(kit, pane()),
      () => shelf().shapes.peek().length > 0,
    ),
    on(
      "undo",
      ["Ctrl+z"],
      () => t("undo"),
      () => shelf().undo(),
      () => shelf().canUndo.peek(),
    ),
    on(
      "redo",
      ["Ctrl+Shift+z", "Ctrl+y"],
      () => t("redo"),
      () => shelf().redo(),
      () => shelf().canRedo.peek(),
    ),
  ];
}

function placeByKey(kit: Kit, pane: Pane): void {
  if (kit.placing.peek()) set(kit, pane);
  else start(kit, pane, middleOf(pane), "keys");
}

/** Show and select the measurement after the selected one, through all images. */
function nextShape(kit: Kit, pane: Pane): void {
  const { shapes, selected } = kit.shelfOf(pane);
  const all = shapes.peek();
  const at = all.findIndex(({ id }) => id === selected.peek());
  const next = all[(at + 1) % all.length];
  if (next) jumpTo(kit, pane, next);
}

/** Show the image of a measurement where the pane has its series, and select it. */
export function jumpTo(kit: Kit, pane: Pane, shape: Kept): void {
  const key = imageKey(shape.image);
  const at = pane.images.peek().findIndex((each) => imageKey(each.address) === key);
  if (at >= 0) goTo(pane, at);
  else kit.desk.stage.wanted.value = { image: shape.image, count: Date.now() };
  kit.shelfOf(pane).selected.value = shape.id;
  announce(
    t("shapeNamed", {
      kind: t(shape.kind),
      n: "",
      text: kit.shelfOf(pane).textOf(shape),
    }),
  );
}

/** True while arrow keys belong to a point or a selected measurement. */
export function isHeld(kit: Kit): boolean {
  return (
    kit.placing.value !== null || selectedOn(kit, kit.desk.activePane.value) !== null
  );
}

/** Commands for as long as something is held: registered last, so that arrows are theirs. */
export function heldCommands(kit: Kit): readonly Command[] {
  const when = () => isHeld(kit) && kit.desk.mode.peek() === null;
  const arrow = (
    way: "nudgeLeft" | "nudgeRight" | "nudgeUp" | "nudgeDown",
    key: string,
    toward: Point,
    isFar: boolean,
  ): Command => ({
    id: `tools.${way}${isFar ? "-far" : ""}`,
    place: "tools",
    keys: [isFar ? `Shift+${key}` : key],
    text: () => (isFar ? t("nudgeFar", { way: t(way) }) : t(way)),
    run: () => nudge(kit, toward, isFar),
    when,
  });
  const arrows = [false, true].flatMap((isFar) => [
    arrow("nudgeLeft", "ArrowLeft", [-1, 0], isFar),
    arrow("nudgeRight", "ArrowRight", [1, 0], isFar),
    arrow("nudgeUp", "ArrowUp", [0, -1], isFar),
    arrow("nudgeDown", "ArrowDown", [0, 1], isFar),
  ]);
  return [
    ...arrows,
    {
      id: "tools.delete",
      place: "tools",
      keys: ["Delete", "Backspace"],
      text: () => t("deleteSelected"),
      run: () => removeSelected(kit),
      when: () => when() && kit.placing.peek() === null,
    },
    {
      id: "tools.cancel",
      place: "tools",
      keys: ["Escape"],
      text: () => t("cancel"),
      run: () => letGo(kit),
      when,
    },
  ];
}

function nudge(kit: Kit, toward: Point, isFar: boolean): void {
  const pane = kit.desk.activePane.peek();
  const step = arrowStep(pane, toward, isFar);
  const placing = kit.placing.peek();
  if (placing) {
    const [x, y] = placing.shape.at;
    place(kit, pane, [x + step[0], y + step[1]]);
    return;
  }
  const [shape, size] = [selectedOn(kit, pane), sizeOf(pane)];
  if (!shape || !size) return;
  const moved = measured(pane, { ...shape, points: movedBy(shape.points, step, size) });
  const shelf = kit.shelfOf(pane);
  shelf.put(moved);
  announce(shelf.textOf(moved));
}

function removeSelected(kit: Kit): void {
  const pane = kit.desk.activePane.peek();
  const shape = selectedOn(kit, pane);
  if (!shape) return;
  kit.shelfOf(pane).remove(shape.id);
  announce(t("announceDeleted"));
}

function letGo(kit: Kit): void {
  if (kit.placing.peek()) kit.placing.value = null;
  else kit.shelfOf(kit.desk.activePane.peek()).selected.value = null;
}
