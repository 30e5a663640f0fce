/** Commands of the tools in hand: choose one, set points by keys, move, delete, undo. */

import { announce } from "~/core/announce";
import type { Command } from "~/core/keys/commands";
import { arrowStep, type Ground, sizeOf } from "./ground";
import { jumpTo } from "./jump";
import { type Kit, place, placedOn, reshaped, selectedOn, set, startByKeys } from "./kit";
import type { Point } from "./matrix";
import { PANE_TOOLS } from "./pane_ground";
import { isKind, movedBy } from "./shape";
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

/** A command for each tool; planes have no stack to scroll by dragging. */
export function toolCommands(kit: Kit): readonly Command[] {
  return PANE_TOOLS.map((tool) => ({
    id: `tools.${tool}`,
    place: "tools",
    keys: [TOOL_KEYS[tool] ?? ""],
    text: () => t(tool),
    when: () => kit.ground.peek().tools.includes(tool),
    run: () => {
      kit.placing.value = null;
      kit.ground.peek().tool.value = tool;
      announce(t("toolNamed", { tool: t(tool) }));
    },
  }));
}

/** Commands that are there at all times. */
export function measureCommands(kit: Kit): readonly Command[] {
  const ground = () => kit.ground.peek();
  const isFree = () => canMeasure(kit) && ground().isFree();
  const shelf = () => kit.shelfOf(ground());
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
      () => placeByKey(kit, ground()),
      () => isKind(ground().tool.peek()) && ground().spot() !== null,
    ),
    on(
      "next-shape",
      ["m"],
      () => t("nextShape"),
      () => nextShape(kit),
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

/** Another mode than panes measures only where it brought a ground of its own. */
function canMeasure(kit: Kit): boolean {
  return kit.desk.mode.peek() === null || kit.elsewhere.peek() !== null;
}

function placeByKey(kit: Kit, ground: Ground): void {
  if (placedOn(kit, ground)) set(kit, ground);
  else startByKeys(kit, ground);
}

/** Show and select the measurement after the selected one, through all images. */
function nextShape(kit: Kit): void {
  const { shapes, selected } = kit.shelfOf(kit.ground.peek());
  const all = shapes.peek();
  const at = all.findIndex(({ id }) => id === selected.peek());
  const next = all[(at + 1) % all.length];
  if (next) jumpTo(kit, next);
}

/** True while arrow keys belong to a point or a selected measurement. */
export function isHeld(kit: Kit): boolean {
  const ground = kit.ground.value;
  return placedOn(kit, ground) !== null || selectedOn(kit, ground) !== null;
}

/** Commands for as long as something is held: registered last, so that arrows are theirs. */
export function heldCommands(kit: Kit): readonly Command[] {
  const when = () => isHeld(kit) && canMeasure(kit);
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
      when: () => when() && placedOn(kit, kit.ground.peek()) === null,
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
  const ground = kit.ground.peek();
  const step = arrowStep(ground, toward, isFar);
  const placing = placedOn(kit, ground);
  if (placing) {
    const [x, y] = placing.shape.at;
    place(kit, ground, [x + step[0], y + step[1]]);
    return;
  }
  const [shape, size] = [selectedOn(kit, ground), sizeOf(ground)];
  if (!shape || !size) return;
  const moved = reshaped(ground, shape, movedBy(ground.seen(shape), step, size));
  const shelf = kit.shelfOf(ground);
  shelf.put(moved);
  announce(shelf.textOf(moved));
}

function removeSelected(kit: Kit): void {
  const ground = kit.ground.peek();
  const shape = selectedOn(kit, ground);
  if (!shape) return;
  kit.shelfOf(ground).remove(shape.id);
  announce(t("announceDeleted"));
}

function letGo(kit: Kit): void {
  const ground = kit.ground.peek();
  if (placedOn(kit, ground)) kit.placing.value = null;
  else kit.shelfOf(ground).selected.value = null;
}
