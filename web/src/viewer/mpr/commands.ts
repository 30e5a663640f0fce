/** Commands of the planes: the same keys as in a stack. */

import { announce } from "~/core/announce";
import type { Command } from "~/core/keys/commands";
import type { Desk } from "~/viewer/stack/desk";
import { stepsOf, VIEWS } from "./planes";
import { goTo, moveCross, type Planes, resetPlanes, scroll } from "./state";
import { t } from "./texts";

/** Commands for as long as planes are shown. */
export function planeCommands(desk: Desk, planes: Planes): readonly Command[] {
  const view = () => planes.active.peek();
  const on = (
    id: string,
    keys: readonly string[],
    text: () => string,
    run: () => void,
  ): Command => ({
    id: `viewer.plane-${id}`,
    place: "viewer",
    keys,
    text,
    run,
  });
  const count = () => stepsOf(planes.volume.frame, view(), planes.point.peek()).count;
  return [
    on(
      "next",
      ["ArrowDown", "ArrowRight"],
      () => t("next"),
      () => scroll(planes, view(), 1),
    ),
    on(
      "previous",
      ["ArrowUp", "ArrowLeft"],
      () => t("previous"),
      () => scroll(planes, view(), -1),
    ),
    on(
      "ten-on",
      ["PageDown"],
      () => t("tenOn"),
      () => scroll(planes, view(), 10),
    ),
    on(
      "ten-back",
      ["PageUp"],
      () => t("tenBack"),
      () => scroll(planes, view(), -10),
    ),
    on(
      "first",
      ["Home"],
      () => t("first"),
      () => goTo(planes, view(), 0),
    ),
    on(
      "last",
      ["End"],
      () => t("last"),
      () => goTo(planes, view(), count() - 1),
    ),
    on(
      "left",
      ["Ctrl+ArrowLeft"],
      () => t("left"),
      () => moveCross(planes, view(), [-1, 0]),
    ),
    on(
      "right",
      ["Ctrl+ArrowRight"],
      () => t("right"),
      () => moveCross(planes, view(), [1, 0]),
    ),
    on(
      "up",
      ["Ctrl+ArrowUp"],
      () => t("up"),
      () => moveCross(planes, view(), [0, -1]),
    ),
    on(
      "down",
      ["Ctrl+ArrowDown"],
      () => t("down"),
      () => moveCross(planes, view(), [0, 1]),
    ),
    on(
      "crosshair",
      ["c"],
      () => t("crosshair"),
      () => {
        planes.hand.value = "crosshair";
        announce(t("crosshair"));
      },
    ),
    on(
      "view",
      ["t"],
      () => t("nextView"),
      () => nextView(planes),
    ),
    on(
      "reset",
      ["0"],
      () => t("reset"),
      () => resetPlanes(planes),
    ),
    on(
      "back",
      ["v", "Escape"],
      () => t("back"),
      () => {
        desk.mode.value = null;
      },
    ),
  ];
}

function nextView(planes: Planes): void {
  const at = VIEWS.indexOf(planes.active.peek());
  const next = VIEWS[(at + 1) % VIEWS.length];
  if (!next) return;
  planes.active.value = next;
  document.querySelector<HTMLElement>(`[data-plane="${next}"]`)?.focus();
}
