/** The mode "mpr": three planes in the place of the panes. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { bytes } from "~/core/text/format";
import { Failure } from "~/shell/loaded";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { loadVolume, placeOf, SlicesMissingError, volumeOf } from "./loading";
import { BackButton, OpenPlanes } from "./open";
import { createPlanes, type Planes } from "./state";
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
    return <OpenPlanes desk={desk} pane={pane} planes={state.value.planes} />;
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
      state.value = { kind: "here", planes: createPlanes(volume, images) };
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
