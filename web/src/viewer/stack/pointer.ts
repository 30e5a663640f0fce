/** Wheel, buttons and fingers on a pane. */

import { fullRange, leastWidth, spanOf, type Window, windowOf } from "../pixels/voi";
import type { Desk } from "./desk";
import { type Pane, step } from "./pane_state";
import { type Point, pannedBy, zoomedAt } from "./view";

const CONTROLS = "button, a, input, select, textarea";
/** Wheel movement that is one image, in CSS pixels. */
const NOTCH = 60;
const PIXELS_PER_LINE = 30;
/** Vertical movement that doubles the zoom, in CSS pixels. */
const DOUBLING = 120;
/** Share of the range of values for one CSS pixel of a window drag. */
const PER_PIXEL = 1 / 500;

/** Listen on a pane's image; returns what ends it. */
export function keepPointed(desk: Desk, pane: Pane, element: HTMLElement): () => void {
  const stop = new AbortController();
  const on = { signal: stop.signal };
  const wheel = wheeled(pane, element);
  element.addEventListener("wheel", wheel, { ...on, passive: false });
  const fingers = new Map<number, PointerEvent>();
  element.addEventListener(
    "pointerdown",
    (event) => press(desk, fingers, element, event),
    on,
  );
  element.addEventListener(
    "pointermove",
    (event) => move(desk, pane, fingers, element, event),
    on,
  );
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
    element.addEventListener(kind, (event) => fingers.delete(event.pointerId), on);
  }
  element.addEventListener("contextmenu", (event) => event.preventDefault(), on);
  return () => stop.abort();
}

function wheeled(pane: Pane, element: HTMLElement): (event: WheelEvent) => void {
  let rest = 0;
  return (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? PIXELS_PER_LINE : 1;
    const moved = event.deltaY * lines;
    if (event.ctrlKey) {
      zoomAt(pane, element, event, 2 ** (-moved / (2 * DOUBLING)));
      return;
    }
    // A wheel of notches goes one image each; a touchpad's small steps add up.
    if (Math.abs(moved) >= NOTCH) {
      rest = 0;
      step(pane, Math.sign(moved));
      return;
    }
    rest += moved;
    const whole = Math.trunc(rest / NOTCH);
    rest -= whole * NOTCH;
    if (whole !== 0) step(pane, whole);
  };
}

function press(
  desk: Desk,
  fingers: Map<number, PointerEvent>,
  element: HTMLElement,
  event: PointerEvent,
): void {
  // A captured pointer would take the click away from a button that lies on the image.
  const isControl = event.target instanceof Element && event.target.closest(CONTROLS);
  if (isControl || !toolOf(desk, event, fingers.size)) return;
  event.preventDefault();
  element.closest<HTMLElement>("[data-pane]")?.focus({ preventScroll: true });
  element.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, event);
}

/** Left: the chosen tool; middle: the window; right: zoom. */
function toolOf(desk: Desk, event: PointerEvent, fingers: number): string | null {
  if (fingers > 0) return "pan";
  if (event.button === 0) return desk.tool.peek();
  return event.button === 1 ? "window" : event.button === 2 ? "zoom" : null;
}

function heldTool(desk: Desk, event: PointerEvent): string {
  if (event.buttons & 2) return "zoom";
  return event.buttons & 4 ? "window" : desk.tool.peek();
}

function move(
  desk: Desk,
  pane: Pane,
  fingers: Map<number, PointerEvent>,
  element: HTMLElement,
  event: PointerEvent,
): void {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const other = [...fingers.values()].find((each) => each.pointerId !== event.pointerId);
  fingers.set(event.pointerId, event);
  const by: Point = [event.clientX - before.clientX, event.clientY - before.clientY];
  if (other) pinch(pane, element, before, event, other);
  else drag(heldTool(desk, event), pane, element, event, by);
}

function drag(
  tool: string,
  pane: Pane,
  element: HTMLElement,
  event: PointerEvent,
  by: Point,
): void {
  if (tool === "window") dragWindow(pane, by);
  if (tool === "pan") pan(pane, by);
  if (tool === "zoom") zoomAt(pane, element, event, 2 ** (-by[1] / DOUBLING));
  if (tool === "scroll") dragStack(pane, element, by[1]);
}

const owed = new WeakMap<Pane, number>();

/** The height of the pane is the whole stack, one image for at least 4 pixels. */
function dragStack(pane: Pane, element: HTMLElement, by: number): void {
  const perImage = Math.max(4, element.clientHeight / pane.images.peek().length);
  const moved = (owed.get(pane) ?? 0) + by / perImage;
  const whole = Math.trunc(moved);
  owed.set(pane, moved - whole);
  if (whole !== 0) step(pane, whole);
}

function pan(pane: Pane, [x, y]: Point): void {
  const extent = pane.extent.peek();
  const ratio = pane.ratio.peek();
  if (!extent) return;
  const by: Point = [x * ratio, y * ratio];
  pane.view.value = pannedBy(pane.view.peek(), extent, pane.size.peek(), by);
}

function zoomAt(
  pane: Pane,
  element: HTMLElement,
  at: { clientX: number; clientY: number },
  factor: number,
): void {
  const extent = pane.extent.peek();
  if (!extent) return;
  const { left, top } = element.getBoundingClientRect();
  const ratio = pane.ratio.peek();
  const point: Point = [(at.clientX - left) * ratio, (at.clientY - top) * ratio];
  pane.view.value = zoomedAt(pane.view.peek(), extent, pane.size.peek(), point, factor);
}

function pinch(
  pane: Pane,
  element: HTMLElement,
  before: PointerEvent,
  now: PointerEvent,
  other: PointerEvent,
): void {
  const apart = (a: PointerEvent, b: PointerEvent) =>
    Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  const middle = {
    clientX: (now.clientX + other.clientX) / 2,
    clientY: (now.clientY + other.clientY) / 2,
  };
  const was = apart(before, other);
  if (was > 0) zoomAt(pane, element, middle, apart(now, other) / was);
  pan(pane, [(now.clientX - before.clientX) / 2, (now.clientY - before.clientY) / 2]);
}

/** Across: wider; down: a higher centre, so that the image gets darker. */
export function dragWindow(pane: Pane, [across, down]: Point): void {
  const used = pane.usedVoi.peek();
  const shown = pane.shown.peek();
  if (!used || !shown) return;
  const { picture } = shown;
  const range = picture.kind === "grey" ? picture.range : ([0, 255] as const);
  const unit = Math.max(range[1] - range[0], 1e-6) * PER_PIXEL;
  const from = used.kind === "window" ? used : windowOfTable(range);
  const least = leastWidth(from.function);
  const width = Math.max(least, from.width + across * speed(from, unit));
  const center = from.center + down * speed(from, unit);
  pane.voi.value = windowOf(center, width, from.function);
}

/** A narrow window moves slowly, so that it can be set well. */
function speed(from: Window, unit: number): number {
  return Math.min(unit, Math.max(from.width / 150, unit / 100));
}

function windowOfTable(range: readonly [number, number]): Window {
  const [low, high] = spanOf(fullRange(...range));
  return windowOf((low + high) / 2, high - low, "LINEAR_EXACT");
}
