/** What other rooms of the viewer put into it; each is one line here. */

import type { ComponentType } from "preact";
import { CompareBar } from "./compare/part";
import { EditPart, LayerBar, LayerPart } from "./layers/part";
import { MprMode } from "./mpr/mode";
import { OverlayBar, OverlayPart } from "./overlays/part";
import type { Desk } from "./stack/desk";
import type { Pane } from "./stack/pane_state";
import { MeasurePart, ToolBarPart } from "./tools/part";

/**
 * Lies over the image of a pane, exactly on it, from below upwards: overlays of the file,
 * layers, measurements.
 * `pane.placed` maps pixels of the image to CSS pixels from the part's upper left.
 */
export const PANE_PARTS: readonly ComponentType<{ desk: Desk; pane: Pane }>[] = [
  OverlayPart,
  LayerPart,
  MeasurePart,
  EditPart,
];

/** Stands above the panes: toolbars. */
export const BAR_PARTS: readonly ComponentType<{ desk: Desk }>[] = [
  ToolBarPart,
  CompareBar,
  LayerBar,
  OverlayBar,
];

/** Takes the place of the panes while `desk.mode` is its key: "mpr". */
export const MODES: Readonly<Record<string, ComponentType<{ desk: Desk }>>> = {
  mpr: MprMode,
};
