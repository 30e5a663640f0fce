/** One plane on the screen: its picture, its crosshair, its letters, its slider. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "~/core/text/format";
import { shader } from "~/viewer/pixels/voi";
import type { Pane } from "~/viewer/stack/pane_state";
import { dragWindow } from "~/viewer/stack/pointer";
import { type Point, pannedBy, zoomedAt } from "~/viewer/stack/view";
import { apply, inverse } from "~/viewer/tools/matrix";
import { AXES, LETTERS, pointOn, seenOn, stepsOf } from "./planes";
import { goTo, type Planes, type PlaneView as Shown, scroll } from "./state";
import { t } from "./texts";
import { dot } from "./vector";

interface Props {
  readonly planes: Planes;
  readonly of: Shown;
  /** The pane whose window and grey scale are used. */
  readonly pane: Pane;
}

/** A view with everything around it. */
export function PlaneView({ planes, of, pane }: Props) {
  const { frame } = planes.volume;
  const { at, count } = stepsOf(frame, of.view, planes.point.value);
  const name = t(of.view);
  const depth = dot(AXES[of.view].normal, planes.point.value);
  const isActive = planes.active.value === of.view;
  return (
    <section
      class={isActive ? "viewer-plane is-active" : "viewer-plane"}
      aria-label={name}
      data-plane={of.view}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys
      tabIndex={0}
      onFocusCapture={() => {
        planes.active.value = of.view;
      }}
    >
      <div class="viewer-plane-image">
        <PlaneCanvas planes={planes} of={of} pane={pane} />
        <Crosshair planes={planes} of={of} />
        <p class="viewer-plane-name">
          <strong>{name}</strong>{" "}
          {t("view", { view: "", n: at + 1, m: count }).replace(/^[,，]\s*/, "")}
          <br />
          {number(depth, 1)} mm
        </p>
        {LETTERS[of.view].map((letter, side) => (
          <span
            key={letter}
            class={`viewer-edge viewer-edge-${["left", "right", "top", "bottom"][side]}`}
          >
            {letter}
          </span>
        ))}
      </div>
      <div class="viewer-slider">
        <input
          type="range"
          min={1}
          max={count}
          value={at + 1}
          aria-label={`${name}: ${t("plane")}`}
          aria-valuetext={t("view", { view: name, n: at + 1, m: count })}
          onInput={(event) =>
            goTo(planes, of.view, event.currentTarget.valueAsNumber - 1)
          }
        />
      </div>
    </section>
  );
}

function PlaneCanvas({ planes, of, pane }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const on = canvas.current;
    if (!on) return undefined;
    const ends = [
      keepSized(of, on),
      keepPainted(of, pane, on),
      keepHeld(planes, of, pane, on),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [planes, of, pane]);
  const mm = number(dot(AXES[of.view].normal, planes.point.value), 1);
  return (
    <canvas
      ref={canvas}
      class="viewer-canvas"
      role="img"
      aria-label={t("viewLabel", { view: t(of.view), mm })}
    />
  );
}

function keepSized(of: Shown, canvas: HTMLCanvasElement): () => void {
  const measure = () => {
    const { clientWidth: width, clientHeight: height } = canvas;
    const old = of.size.peek();
    if (width !== old.width || height !== old.height) of.size.value = { width, height };
  };
  const watch = new ResizeObserver(measure);
  watch.observe(canvas);
  measure();
  return () => watch.disconnect();
}

function keepPainted(of: Shown, pane: Pane, canvas: HTMLCanvasElement): () => void {
  const sheet = new OffscreenCanvas(1, 1);
  let waiting = 0;
  const stop = effect(() => {
    const drawing = {
      values: of.values.value,
      plane: of.plane.value,
      matrix: of.matrix.value,
      size: of.size.value,
      shade: shadeOf(pane),
    };
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => {
      const { values, plane, matrix, size, shade } = drawing;
      canvas.width = size.width;
      canvas.height = size.height;
      sheet.width = plane.columns;
      sheet.height = plane.rows;
      const [to, from] = [
        canvas.getContext("2d", { alpha: false }),
        sheet.getContext("2d"),
      ];
      if (!to || !from || !matrix) return;
      const data = from.createImageData(plane.columns, plane.rows);
      const words = new Uint32Array(data.data.buffer);
      for (let at = 0; at < words.length; at += 1)
        words[at] = shade(values[at] as number);
      from.putImageData(data, 0, 0);
      to.setTransform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f);
      to.imageSmoothingQuality = "high";
      to.drawImage(sheet, 0, 0);
    });
  });
  return () => {
    stop();
    cancelAnimationFrame(waiting);
  };
}

const BLACK = 0xff00_0000;

/** From a value to a pixel (little-endian); black outside of the volume. */
function shadeOf(pane: Pane): (value: number) => number {
  const voi = pane.usedVoi.value;
  const picture = pane.shown.value?.picture;
  const isInverse = picture?.kind === "grey" && picture.isInverse;
  const isTurned = isInverse !== pane.isInverted.value;
  const shade = voi ? shader(voi) : () => 0;
  return (value) => {
    if (Number.isNaN(value)) return BLACK;
    const share = shade(value);
    const level = Math.round(255 * (isTurned ? 1 - share : share));
    return (BLACK | (level << 16) | (level << 8) | level) >>> 0;
  };
}

/** Pointer and wheel on a plane. */
function keepHeld(planes: Planes, of: Shown, pane: Pane, on: HTMLElement): () => void {
  const stop = new AbortController();
  const options = { signal: stop.signal };
  let before: PointerEvent | null = null;
  const place = (event: { clientX: number; clientY: number }): Point => {
    const { left, top } = on.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  on.addEventListener("contextmenu", (event) => event.preventDefault(), options);
  on.addEventListener(
    "pointerdown",
    (event) => {
      event.preventDefault();
      on.closest<HTMLElement>("[data-plane]")?.focus({ preventScroll: true });
      on.setPointerCapture(event.pointerId);
      before = event;
      if (handOf(planes, event) === "crosshair") point(planes, of, place(event));
    },
    options,
  );
  on.addEventListener(
    "pointermove",
    (event) => {
      if (!before) return;
      const by: Point = [event.clientX - before.clientX, event.clientY - before.clientY];
      before = event;
      drag(planes, of, pane, handOf(planes, event), place(event), by);
    },
    options,
  );
  for (const kind of ["pointerup", "pointercancel"] as const) {
    on.addEventListener(
      kind,
      () => {
        before = null;
      },
      options,
    );
  }
  on.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (event.ctrlKey) zoom(of, place(event), 2 ** (-event.deltaY / 240));
      else scroll(planes, of.view, Math.sign(event.deltaY));
    },
    { ...options, passive: false },
  );
  return () => stop.abort();
}

function handOf(planes: Planes, event: PointerEvent): string {
  if (event.buttons & 4) return "window";
  return event.buttons & 2 ? "zoom" : planes.hand.peek();
}

function drag(
  planes: Planes,
  of: Shown,
  pane: Pane,
  hand: string,
  at: Point,
  by: Point,
): void {
  if (hand === "crosshair") point(planes, of, at);
  if (hand === "window") dragWindow(pane, by);
  if (hand === "zoom") zoom(of, at, 2 ** (-by[1] / 120));
  if (hand === "pan") {
    of.laid.value = pannedBy(of.laid.peek(), of.extent.peek(), of.size.peek(), by);
  }
}

function zoom(of: Shown, at: Point, factor: number): void {
  of.laid.value = zoomedAt(of.laid.peek(), of.extent.peek(), of.size.peek(), at, factor);
}

/** The crosshair at a place of the canvas. */
function point(planes: Planes, of: Shown, at: Point): void {
  const matrix = of.matrix.peek();
  if (!matrix) return;
  const { rows, columns } = of.extent.peek();
  const [x, y] = apply(inverse(matrix), at);
  const held: Point = [Math.min(Math.max(x, 0), columns), Math.min(Math.max(y, 0), rows)];
  planes.point.value = pointOn(of.plane.peek(), held);
}

/** Where the two other planes cut this one; open in the middle, so that it can be seen. */
function Crosshair({ planes, of }: { planes: Planes; of: Shown }) {
  const matrix = of.matrix.value;
  if (!matrix) return null;
  const [x, y] = apply(matrix, seenOn(of.plane.value, planes.point.value));
  const { width, height } = of.size.value;
  const path = `M0 ${y}H${x - 12}M${x + 12} ${y}H${width}M${x} 0V${y - 12}M${x} ${y + 12}V${height}`;
  return (
    <svg class="viewer-shapes" aria-hidden="true" focusable="false">
      <path class="viewer-cross" d={path} />
    </svg>
  );
}
