/** Overlay planes of the file over the image of a pane (PS3.3 C.9.2). */

import { effect, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { announce } from "~/core/announce";
import { keycaps } from "~/core/keys/chord";
import { type Command, commands, keysOf, register, run } from "~/core/keys/commands";
import { number } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import type { OverlayKind, OverlayPlane } from "../load/overlay_planes";
import type { Desk } from "../stack/desk";
import type { Pane } from "../stack/pane_state";
import { Sheets } from "./sheets";
import { areShown, planesOn } from "./state";
import { t } from "./texts";
import "./overlays.css";

const COLOURS: Readonly<Record<OverlayKind, string>> = {
  G: "--viewer-graphics",
  R: "--viewer-region",
};
/** A dark edge keeps lines apart from bright tissue; CSS pixels. */
const EDGE = 1.5;

/** The planes of a pane's image; nothing where its file has none. */
export function OverlayPart({ desk, pane }: { desk: Desk; pane: Pane }) {
  const isNeeded = planesOn(pane).length > 0 && areShown(desk).value;
  return isNeeded ? <Planes pane={pane} /> : null;
}

function Planes({ pane }: { pane: Pane }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const sheets = useMemo(() => new Sheets(), [pane]);
  const failed = useSignal<readonly number[]>([]);
  useEffect(() => {
    const on = canvas.current;
    if (!on) return undefined;
    let waiting = 0;
    const stop = effect(() => {
      // Everything that a drawing depends on is read here, so that a change draws anew.
      void [pane.matrix.value, pane.size.value, pane.shown.value, pane.ratio.value];
      void sheets.changes.value;
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => {
        const odd = draw(on, pane, sheets);
        if (odd.join() !== failed.peek().join()) failed.value = odd;
      });
    });
    return () => {
      stop();
      cancelAnimationFrame(waiting);
    };
  }, [pane, sheets]);
  const said = planesOn(pane).map((plane) => nameOf(plane));
  const missing = failed.value.length > 0;
  return (
    <>
      <canvas
        ref={canvas}
        class="viewer-planes"
        role="img"
        aria-label={t("planes", { names: said.join(", ") })}
      />
      {missing && (
        <p class="viewer-planes-failed" role="status">
          {t("failed")}
        </p>
      )}
    </>
  );
}

/** Draw all planes that are here; places of those that cannot be. */
function draw(canvas: HTMLCanvasElement, pane: Pane, sheets: Sheets): readonly number[] {
  const { width, height } = pane.size.peek();
  canvas.width = width; // also clears it
  canvas.height = height;
  const context = canvas.getContext("2d");
  const [shown, matrix, extent] = [
    pane.shown.peek(),
    pane.matrix.peek(),
    pane.extent.peek(),
  ];
  if (!context || !shown || !matrix || !extent) return [];
  context.setTransform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f);
  // Grown, a plane has the edges of its pixels; shrunk, lines must not be lost.
  context.imageSmoothingEnabled = pane.zoom.peek() < 1;
  context.imageSmoothingQuality = "high";
  context.shadowColor = "black";
  context.shadowBlur = EDGE * pane.ratio.peek();
  const style = getComputedStyle(canvas);
  const failed: number[] = [];
  for (const plane of planesOn(pane)) {
    const colour = channelsOf(style.getPropertyValue(COLOURS[plane.kind]));
    const sheet = sheets.sheet(shown, plane, colour);
    if (sheet.kind === "failed") failed.push(plane.place);
    if (sheet.kind === "here") context.drawImage(sheet.canvas, plane.left, plane.top);
  }
  return failed;
}

/** "#ffe14d" → its three numbers. */
function channelsOf(hex: string): readonly [number, number, number] {
  const value = Number.parseInt(hex.trim().slice(1), 16) || 0;
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function nameOf(plane: OverlayPlane): string {
  const kind = t(plane.kind === "R" ? "region" : "graphics");
  return plane.label ? `${kind}: ${plane.label}` : kind;
}

/** What of the file lies over the image, among the texts in its corner. */
export function OverlayLegend({ desk, pane }: { desk: Desk; pane: Pane }) {
  const planes = planesOn(pane);
  if (planes.length === 0) return null;
  if (!areShown(desk).value) {
    return (
      <div>
        <span>{t("hidden", { key: keysText() })}</span>
      </div>
    );
  }
  return (
    <>
      {planes.map((plane) => (
        <div key={plane.place}>
          <span>
            <i
              class={`viewer-plane-mark viewer-plane-${plane.kind}`}
              aria-hidden="true"
            />
            {nameOf(plane)}
            {measured(plane)}
          </span>
        </div>
      ))}
    </>
  );
}

/** What the sender measured in a region. */
function measured({ kind, mean, deviation }: OverlayPlane): string {
  if (kind !== "R" || mean === null) return "";
  const parts = { mean: number(mean, 1), deviation: number(deviation ?? 0, 1) };
  return ` · ${t(deviation === null ? "mean" : "meanAndDeviation", parts)}`;
}

/** The button that puts them away; there while a file has some. */
export function OverlayBar({ desk }: { desk: Desk }) {
  const isSome = planesOn(desk.activePane.value).length > 0;
  useEffect(() => register([overlayCommand(desk)]), [desk]);
  if (!isSome || desk.mode.value !== null) return null;
  const isOn = areShown(desk).value;
  return (
    <button
      type="button"
      class="icon-button"
      aria-pressed={isOn}
      aria-label={t("toggle")}
      title={`${t("toggle")} (${keysText()})`}
      onClick={() => run("viewer.overlays")}
    >
      <Icon name={isOn ? "eye" : "eye-off"} />
    </button>
  );
}

/** Keys of the command as a reader has set them. */
function keysText(): string {
  const command = commands.value.find(({ id }) => id === "viewer.overlays");
  const keys = command ? keysOf(command) : [];
  return keys.map((chord) => keycaps(chord).join(" ")).join(", ");
}

function overlayCommand(desk: Desk): Command {
  return {
    id: "viewer.overlays",
    place: "viewer",
    keys: ["g"],
    text: () => t("toggle"),
    when: () => desk.mode.peek() === null && planesOn(desk.activePane.peek()).length > 0,
    run: () => {
      const shown = areShown(desk);
      shown.value = !shown.peek();
      announce(t(shown.peek() ? "nowShown" : "nowHidden"));
    },
  };
}
