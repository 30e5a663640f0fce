/** One plane on the screen: picture, layers, measurements, crosshair, letters, slider. */

import { useEffect, useRef } from "preact/hooks";
import { number } from "~/core/text/format";
import { LayerCanvas } from "~/viewer/layers/canvas";
import { Outlines } from "~/viewer/layers/outlines";
import type { LaidOver } from "~/viewer/layers/seen";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { scaleBar } from "~/viewer/stack/scale";
import { zoomOf } from "~/viewer/stack/view";
import { t as stackText } from "~/viewer/texts";
import type { Ground } from "~/viewer/tools/ground";
import { apply } from "~/viewer/tools/matrix";
import { MeasureOverlay } from "~/viewer/tools/overlay";
import { kitOf } from "~/viewer/tools/part";
import { keepPainted, keepSized } from "./painting";
import { AXES, LETTERS, seenOn, stepsOf } from "./planes";
import { keepHeld } from "./pointing";
import { goTo, type Planes, type PlaneView as Shown } from "./state";
import { t } from "./texts";
import { dot } from "./vector";

interface Props {
  readonly desk: Desk;
  readonly planes: Planes;
  readonly of: Shown;
  /** The pane whose window and grey scale are used. */
  readonly pane: Pane;
  /** What is measured on, and what lies over it. */
  readonly ground: Ground;
  readonly over: LaidOver;
}

/** A view with everything around it. */
export function PlaneView({ desk, planes, of, pane, ground, over }: Props) {
  const image = useRef<HTMLDivElement>(null);
  useEffect(
    () => (image.current ? keepHeld(planes, of, pane, image.current) : undefined),
    [planes, of, pane],
  );
  const kit = kitOf(desk);
  const isActive = planes.active.value === of.view;
  return (
    <section
      class={isActive ? "viewer-plane is-active" : "viewer-plane"}
      aria-label={t(of.view)}
      data-plane={of.view}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys
      tabIndex={0}
      onFocusCapture={() => {
        planes.active.value = of.view;
      }}
    >
      <div class="viewer-plane-image" ref={image}>
        <PlaneCanvas planes={planes} of={of} pane={pane} />
        <LayerCanvas stage={desk.stage} over={over} />
        <svg class="viewer-shapes" aria-hidden="true" focusable="false">
          <Outlines stage={desk.stage} over={over} />
        </svg>
        <Crosshair planes={planes} of={of} />
        <MeasureOverlay kit={kit} ground={ground} />
        <Around planes={planes} of={of} />
      </div>
      <PlaneSlider planes={planes} of={of} />
    </section>
  );
}

/** What stands on a plane: name and place, letters, scale. */
function Around({ planes, of }: Pick<Props, "planes" | "of">) {
  const { at, count } = stepsOf(planes.volume.frame, of.view, planes.point.value);
  const depth = dot(AXES[of.view].normal, planes.point.value);
  return (
    <>
      <p class="viewer-plane-name">
        <strong>{t(of.view)}</strong>
        <br />
        {t("placeOf", { n: at + 1, m: count })}
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
      <Scale of={of} />
    </>
  );
}

/** Share of the plane's width that the scale bar may have. */
const MOST_BAR = 0.28;

function Scale({ of }: { of: Shown }) {
  const bar = useRef<HTMLDivElement>(null);
  const [extent, size] = [of.extent.value, of.size.value];
  const mm = of.plane.value.size;
  const found = scaleBar(
    { row: mm, column: mm, kind: "patient" },
    zoomOf(of.laid.value, extent, size),
    MOST_BAR * size.width,
  );
  useEffect(() => {
    if (bar.current && found) bar.current.style.width = `${found.length}px`;
  }, [found?.length]);
  if (!found || !Number.isFinite(found.length)) return null;
  return (
    <div
      class="viewer-scale"
      role="img"
      aria-label={stackText("scaleBar", { length: found.text })}
    >
      <span>{found.text}</span>
      <div ref={bar} class="viewer-scale-bar" />
    </div>
  );
}

function PlaneSlider({ planes, of }: Pick<Props, "planes" | "of">) {
  const { at, count } = stepsOf(planes.volume.frame, of.view, planes.point.value);
  const name = t(of.view);
  return (
    <div class="viewer-slider">
      <input
        type="range"
        min={1}
        max={count}
        value={at + 1}
        aria-label={`${name}: ${t("plane")}`}
        aria-valuetext={t("view", { view: name, n: at + 1, m: count })}
        onInput={(event) => goTo(planes, of.view, event.currentTarget.valueAsNumber - 1)}
      />
    </div>
  );
}

function PlaneCanvas({ planes, of, pane }: Pick<Props, "planes" | "of" | "pane">) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const on = canvas.current;
    if (!on) return undefined;
    const ends = [keepSized(of, on), keepPainted(of, pane, on)];
    return () => {
      for (const end of ends) end();
    };
  }, [of, pane]);
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
