/** Pointer, fingers and wheel on a plane. */

import type { Pane } from "~/viewer/stack/pane_state";
import { dragWindow } from "~/viewer/stack/pointer";
import { type Point, pannedBy, zoomedAt } from "~/viewer/stack/view";
import { apply, inverse } from "~/viewer/tools/matrix";
import { pointOn } from "./planes";
import { type Planes, type PlaneView, scroll } from "./state";

const CONTROLS = "button, a, input, select, textarea";
/** Vertical movement that doubles the zoom, in CSS pixels. */
const DOUBLING = 120;
/** Wheel movement that is one plane: a touchpad's small steps add up to it. */
const NOTCH = 60;

type Held = Map<number, PointerEvent>;

/** Listen on what a plane is drawn in; returns what ends it. */
export function keepHeld(
  planes: Planes,
  of: PlaneView,
  pane: Pane,
  on: HTMLElement,
): () => void {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  const held: Held = new Map();
  const placeOf = (event: PointerEvent | WheelEvent): Point => {
    const { left, top } = on.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  on.addEventListener("contextmenu", (event) => event.preventDefault(), options);
  on.addEventListener(
    "pointerdown",
    (event) => {
      if (event.target instanceof Element && event.target.closest(CONTROLS)) return;
      event.preventDefault();
      on.closest<HTMLElement>("[data-plane]")?.focus({ preventScroll: true });
      on.setPointerCapture(event.pointerId);
      held.set(event.pointerId, event);
      const isFirst = held.size === 1;
      if (isFirst && handOf(planes, event) === "crosshair")
        point(planes, of, placeOf(event));
    },
    options,
  );
  on.addEventListener(
    "pointermove",
    (event) => {
      const before = held.get(event.pointerId);
      if (!before) return;
      held.set(event.pointerId, event);
      const by: Point = [event.clientX - before.clientX, event.clientY - before.clientY];
      const other = [...held.values()].find((each) => each.pointerId !== event.pointerId);
      if (other) pinch(of, [placeOf(before), placeOf(event), placeOf(other)], by);
      else drag(planes, of, pane, handOf(planes, event), placeOf(event), by);
    },
    options,
  );
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
    on.addEventListener(kind, (event) => held.delete(event.pointerId), options);
  }
  on.addEventListener("wheel", wheeled(planes, of, placeOf), {
    ...options,
    passive: false,
  });
  return () => stop.abort();
}

function wheeled(
  planes: Planes,
  of: PlaneView,
  placeOf: (event: WheelEvent) => Point,
): (event: WheelEvent) => void {
  let rest = 0;
  return (event) => {
    event.preventDefault();
    if (event.ctrlKey) {
      zoom(of, placeOf(event), 2 ** (-event.deltaY / (2 * DOUBLING)));
      return;
    }
    const isNotch =
      event.deltaMode !== WheelEvent.DOM_DELTA_PIXEL || Math.abs(event.deltaY) >= NOTCH;
    rest = isNotch ? Math.sign(event.deltaY) * NOTCH : rest + event.deltaY;
    const whole = Math.trunc(rest / NOTCH);
    rest -= whole * NOTCH;
    if (whole !== 0) scroll(planes, of.view, whole);
  };
}

/** Left: what is in hand; middle: the window; right: zoom. */
function handOf(planes: Planes, event: PointerEvent): string {
  if (event.buttons & 4) return "window";
  return event.buttons & 2 ? "zoom" : planes.hand.peek();
}

function drag(
  planes: Planes,
  of: PlaneView,
  pane: Pane,
  hand: string,
  at: Point,
  by: Point,
): void {
  if (hand === "crosshair") point(planes, of, at);
  if (hand === "window") dragWindow(pane, by);
  if (hand === "zoom") zoom(of, at, 2 ** (-by[1] / DOUBLING));
  if (hand === "pan") pan(of, by);
}

function pan(of: PlaneView, by: Point): void {
  of.laid.value = pannedBy(of.laid.peek(), of.extent.peek(), of.size.peek(), by);
}

function zoom(of: PlaneView, at: Point, factor: number): void {
  of.laid.value = zoomedAt(of.laid.peek(), of.extent.peek(), of.size.peek(), at, factor);
}

/** Two fingers: their distance zooms, their middle moves. */
function pinch(
  of: PlaneView,
  [before, now, other]: readonly [Point, Point, Point],
  by: Point,
): void {
  const apart = (a: Point) => Math.hypot(a[0] - other[0], a[1] - other[1]);
  const middle: Point = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
  if (apart(before) > 0) zoom(of, middle, apart(now) / apart(before));
  pan(of, [by[0] / 2, by[1] / 2]);
}

/** The crosshair at a place of the canvas. */
function point(planes: Planes, of: PlaneView, at: Point): void {
  const matrix = of.matrix.peek();
  if (!matrix) return;
  const { rows, columns } = of.extent.peek();
  const [x, y] = apply(inverse(matrix), at);
  const held: Point = [Math.min(Math.max(x, 0), columns), Math.min(Math.max(y, 0), rows)];
  planes.point.value = pointOn(of.plane.peek(), held);
}
