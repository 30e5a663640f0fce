/** The mode "mpr": three planes in the place of the panes. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { register } from "~/core/keys/commands";
import { bytes, number } from "~/core/text/format";
import { Failure } from "~/shell/loaded";
import type { Desk } from "~/viewer/stack/desk";
import { patientLines, seriesLines } from "~/viewer/stack/legend";
import type { Pane } from "~/viewer/stack/pane_state";
import { planeCommands } from "./commands";
import { loadVolume, placeOf, SlicesMissingError, volumeOf } from "./loading";
import { PlaneView } from "./plane_view";
import { probe } from "./reslice";
import { createPlanes, HANDS, type Planes, resetPlanes } from "./state";
import { t } from "./texts";
import {
  bytesOf,
  type Frame,
  frameOf,
  LEAST_SLICES,
  MOST_BYTES,
  type Refusal,
} from "./volume";
import "./mpr.css";

/** Why a pane's series makes no volume, in words; "" where it does. */
export function refusalText(pane: Pane): string {
  const images = pane.images.value;
  const found = volumeOf(images);
  if (typeof found !== "string") return "";
  return saidOf(found, images.length, frameOf(images.map(placeOf)));
}

function saidOf(refusal: Refusal | "colour", n: number, frame: Frame | Refusal): string {
  const size = typeof frame === "string" ? "" : bytes(bytesOf(frame, 2));
  return t(refusal, { n, least: LEAST_SLICES, size, most: bytes(MOST_BYTES) });
}

type State =
  | { readonly kind: "loading"; readonly count: number }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "here"; readonly planes: Planes };

/** Planes through the series of the active pane. */
export function MprMode({ desk }: { desk: Desk }) {
  const pane = useMemo(() => desk.activePane.peek(), [desk]);
  const state = useMemo(() => signal<State>({ kind: "loading", count: 0 }), [pane]);
  const run = useMemo(() => signal(0), [pane]);
  useEffect(() => load(desk, pane, state), [desk, pane, run.value]);
  const images = pane.images.value;
  if (state.value.kind === "here")
    return <Open desk={desk} pane={pane} planes={state.value.planes} />;
  const again = () => {
    run.value += 1;
  };
  return (
    <div class="viewer-mpr-wait">
      <BackButton desk={desk} />
      {state.value.kind === "loading" ? (
        <p role="status">
          <progress max={images.length} value={state.value.count} aria-label={t("mpr")} />{" "}
          {t("loading", { n: state.value.count, m: images.length })}
        </p>
      ) : (
        <FailedVolume error={state.value.error} count={images.length} onRetry={again} />
      )}
    </div>
  );
}

function load(desk: Desk, pane: Pane, state: { value: State }): () => void {
  const abort = new AbortController();
  const images = pane.images.peek();
  const frame = volumeOf(images);
  state.value = { kind: "loading", count: 0 };
  if (typeof frame === "string") {
    state.value = { kind: "failed", error: new Error(refusalText(pane)) };
    return () => abort.abort();
  }
  const onProgress = (count: number) => {
    state.value = { kind: "loading", count };
  };
  loadVolume(images, frame, desk.library, abort.signal, onProgress)
    .then((volume) => {
      state.value = { kind: "here", planes: createPlanes(volume) };
    })
    .catch((error: unknown) => {
      if (!abort.signal.aborted) state.value = { kind: "failed", error };
    });
  return () => abort.abort();
}

function FailedVolume(of: { error: unknown; count: number; onRetry: () => void }) {
  const { error, count, onRetry } = of;
  const said =
    error instanceof SlicesMissingError
      ? new Error(t("failed", { n: error.count, m: count }))
      : error;
  return <Failure error={said} onRetry={onRetry} />;
}

function BackButton({ desk }: { desk: Desk }) {
  return (
    <button
      type="button"
      class="button button-small"
      onClick={() => {
        desk.mode.value = null;
      }}
    >
      {t("back")}
    </button>
  );
}

const SLABS = [0, 5, 10, 20, 40];

function Open({ desk, pane, planes }: { desk: Desk; pane: Pane; planes: Planes }) {
  useEffect(() => register(planeCommands(desk, planes)), [desk, planes]);
  const image = pane.shown.value?.image;
  return (
    <div class="viewer-mpr">
      <div class="viewer-mpr-bar">
        <BackButton desk={desk} />
        <fieldset class="viewer-edit">
          <legend class="unseen">{t("hand")}</legend>
          {HANDS.map((hand) => (
            <button
              key={hand}
              type="button"
              class="button button-small"
              aria-pressed={planes.hand.value === hand}
              onClick={() => {
                planes.hand.value = hand;
              }}
            >
              {t(hand)}
            </button>
          ))}
        </fieldset>
        <label class="viewer-window-field">
          <span>{t("slab")}</span>
          <select
            value={planes.thickness.value}
            onChange={(event) => {
              planes.thickness.value = Number(event.currentTarget.value);
            }}
          >
            {SLABS.map((mm) => (
              <option key={mm} value={mm}>
                {mm === 0 ? t("thin") : t("slabOf", { mm })}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          class="button button-small"
          onClick={() => resetPlanes(planes)}
        >
          {t("reset")}
        </button>
        <p class="viewer-mpr-value figures">{valueText(planes, pane)}</p>
      </div>
      <div class="viewer-mpr-views">
        {planes.views.map((of) => (
          <PlaneView key={of.view} planes={planes} of={of} pane={pane} />
        ))}
        <div class="viewer-mpr-said">
          {image && (
            <>
              <p>
                {patientLines(image).map((line) => (
                  <span key={line}>{line}</span>
                ))}
              </p>
              <p>
                {seriesLines(image).map((line) => (
                  <span key={line}>{line}</span>
                ))}
              </p>
            </>
          )}
          {notesOf(planes.volume.frame).map((note) => (
            <p key={note} class="viewer-mpr-note">
              {note}
            </p>
          ))}
        </div>
      </div>
    </div>
  );
}

function valueText({ volume, point }: Planes, pane: Pane): string {
  const value = probe(volume, point.value);
  const [x, y, z] = point.value.map((each) => number(each, 1));
  const at = t("at", { x: x ?? "", y: y ?? "", z: z ?? "" });
  const picture = pane.shown.value?.picture;
  const unit = picture?.kind === "grey" ? picture.modality.unit : "";
  const said = Number.isNaN(value) ? t("none") : `${number(value, 1)} ${unit}`.trim();
  return `${t("value", { value: said })} (${at})`;
}

const LEAST_TILT = 0.1;
const THICK = 2;

/** What a reader must know of a volume before trusting its planes. */
function notesOf({ gaps, tilt, isUneven, spacing }: Frame): string[] {
  const [least, most] = [number(gaps[0], 1), number(gaps[1], 1)];
  const isThick = gaps[1] > THICK * Math.max(...spacing);
  return [
    ...(isUneven
      ? [t("uneven", { least, most })]
      : isThick
        ? [t("thick", { most })]
        : []),
    ...(tilt > LEAST_TILT ? [t("tilted", { degrees: number(tilt, 1) })] : []),
  ];
}
