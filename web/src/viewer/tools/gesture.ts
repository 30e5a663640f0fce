/** Changes of a pane's window and view that buttons, fields and keys make. */

import { leastWidth, type Voi, type Window, windowOf } from "~/viewer/pixels/voi";
import type { Pane } from "~/viewer/stack/pane_state";
import { type Point, pannedBy, type View, zoomedAt } from "~/viewer/stack/view";
import { valuesOf } from "./pixel_size";
import { type Preset, windowOfPercentiles, windowOfRange } from "./presets";

/** The window that a pane has now; of a table, the range that it spreads. */
export function windowNow(pane: Pane): Window | null {
  const voi: Voi | null = pane.usedVoi.value;
  if (voi?.kind === "window") return voi;
  const [low, high] = rangeOf(pane) ?? [];
  if (low === undefined || high === undefined) return null;
  return windowOf((low + high) / 2, Math.max(high - low, 1));
}

/** Smallest and largest value of what is shown; null before there is something. */
export function rangeOf(pane: Pane): readonly [number, number] | null {
  const picture = pane.shown.value?.picture;
  if (!picture) return null;
  return picture.kind === "grey" ? picture.range : [0, 255];
}

/** Set a pane's window; the function (LINEAR, SIGMOID …) stays what the file says. */
export function setWindow(pane: Pane, to: { center: number; width: number }): void {
  const how = windowNow(pane)?.function ?? "LINEAR";
  pane.voi.value = windowOf(to.center, Math.max(to.width, leastWidth(how)), how);
}

/** The file's windows and tables in turn: the next one after what is used. */
export function nextOwn(pane: Pane): void {
  const vois = pane.shown.value?.picture.vois ?? [];
  const at = vois.indexOf(pane.usedVoi.value as Voi);
  const next = vois[(at + 1) % (vois.length || 1)];
  pane.voi.value = at < 0 || next === vois[0] ? null : (next ?? null);
}

/** Use a preset. */
export function usePreset(pane: Pane, preset: Preset): void {
  const picture = pane.shown.value?.picture;
  if (!picture) return;
  if (preset.kind === "own") nextOwn(pane);
  else if (preset.kind === "fixed") {
    pane.voi.value = windowOf(preset.center, preset.width);
  } else if (preset.kind === "full") exact(pane, windowOfRange(rangeOf(pane) ?? [0, 1]));
  else {
    const values = valuesOf(picture);
    if (values) exact(pane, windowOfPercentiles(values, preset.low, preset.high));
  }
}

/** A window whose ends are two values of the image. */
function exact(pane: Pane, { center, width }: { center: number; width: number }): void {
  pane.voi.value = windowOf(center, width, "LINEAR_EXACT");
}

/** Zoomed around the middle of the pane. */
export function zoomBy(pane: Pane, factor: number): void {
  const { value: extent } = pane.extent;
  if (!extent) return;
  const { width, height } = pane.size.value;
  const middle: Point = [width / 2, height / 2];
  pane.view.value = zoomedAt(pane.view.value, extent, pane.size.value, middle, factor);
}

/** Moved by a share of the pane. */
export function panBy(pane: Pane, [x, y]: Point): void {
  const { value: extent } = pane.extent;
  if (!extent) return;
  const { width, height } = pane.size.value;
  const by: Point = [Math.round(x * width), Math.round(y * height)];
  pane.view.value = pannedBy(pane.view.value, extent, pane.size.value, by);
}

/** Another view made of the one there is. */
export function changeView(
  pane: Pane,
  change: (
    view: View,
    extent: NonNullable<Pane["extent"]["value"]>,
    size: Pane["size"]["value"],
  ) => View,
): void {
  const { value: extent } = pane.extent;
  if (extent) pane.view.value = change(pane.view.value, extent, pane.size.value);
}
