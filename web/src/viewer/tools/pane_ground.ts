/** The image of a pane as something to measure on. */

import { BASIC_TOOLS, type Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { imageKey } from "~/viewer/stage";
import { calibrationOf } from "./calibration";
import type { Ground } from "./ground";
import { pixelSizeOf, valuesOf } from "./pixel_size";
import type { Spot } from "./place";
import { KINDS } from "./shape";

/** All tools of the left button on a pane, in their order. */
export const PANE_TOOLS = [...BASIC_TOOLS, ...KINDS] as const;

const grounds = new WeakMap<Pane, Ground>();

/** The ground of a pane: the same one each time. */
export function paneGround(desk: Desk, pane: Pane): Ground {
  const known = grounds.get(pane);
  if (known) return known;
  const made = groundOf(desk, pane);
  grounds.set(pane, made);
  return made;
}

function groundOf(desk: Desk, pane: Pane): Ground {
  return {
    key: `pane-${pane.id}`,
    study: () => pane.study.value?.id ?? 0,
    tools: PANE_TOOLS,
    tool: desk.tool,
    placed: pane.placed,
    extent: pane.extent,
    spot: () => spotOf(pane),
    values: () => valuesOf(pane.shown.value?.picture ?? null),
    calibration: (points) => {
      const image = pane.shown.value?.image;
      return image
        ? calibrationOf(pixelSizeOf(image.data, image.address.frame), points)
        : { spacing: [1, 1], unit: "px", basis: "none" };
    },
    holds: ({ where }) => {
      const image = pane.shown.value?.image;
      if (!image || where.kind !== "image") return false;
      return imageKey(where.image) === imageKey(image.address);
    },
    seen: ({ points }) => points,
    kept: (points) => points,
    isFree: () => desk.stage.editing.value === null,
    take: () => {
      const at = desk.panes.peek().indexOf(pane);
      if (at >= 0) desk.active.value = at;
    },
  };
}

/** The picture that is seen counts, which may lag behind the index while one loads. */
function spotOf(pane: Pane): Spot | null {
  const image = pane.shown.value?.image;
  if (!image) return null;
  const key = imageKey(image.address);
  const at = pane.images.value.findIndex((each) => imageKey(each.address) === key);
  const index = at < 0 ? pane.index.value : at;
  return { series: image.series, where: { kind: "image", image: image.address, index } };
}
