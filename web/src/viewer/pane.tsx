/** One pane: the image, what stands and lies over it, its slider, and its states. */

import { useEffect, useRef } from "preact/hooks";
import { ProblemError } from "~/core/api/problem";
import { Failure } from "~/shell/loaded";
import { text } from "./load/dicom_json";
import { NoPictureError } from "./load/picture";
import { PANE_PARTS } from "./parts";
import { ShortFrameError } from "./pixels/unpack";
import { ImageCanvas } from "./stack/canvas";
import type { Desk } from "./stack/desk";
import { seriesName } from "./stack/legend";
import { keepFilled, tryAgain } from "./stack/opening";
import { Overlay } from "./stack/overlay";
import type { Pane } from "./stack/pane_state";
import { keepPointed } from "./stack/pointer";
import { StackSlider } from "./stack/slider";
import { t } from "./texts";

/** A pane of the desk. */
export function PaneView({
  desk,
  pane,
  place,
}: {
  desk: Desk;
  pane: Pane;
  place: number;
}) {
  const image = useRef<HTMLDivElement>(null);
  useEffect(() => keepFilled(desk, pane), [desk, pane]);
  useEffect(
    () => (image.current ? keepPointed(desk, pane, image.current) : undefined),
    [desk, pane],
  );
  const isActive = desk.active.value === place;
  return (
    <section
      class={`viewer-pane${isActive ? " viewer-pane-active" : ""}`}
      data-pane={place}
      data-state={pane.progress.value.kind}
      aria-label={t("pane", { n: place + 1 })}
      // The pane takes the focus so that a reader without a mouse can choose it.
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys
      tabIndex={0}
      onFocusCapture={() => {
        desk.active.value = place;
      }}
    >
      <div class="viewer-image" ref={image}>
        <ImageCanvas pane={pane} label={labelOf(pane)} />
        {PANE_PARTS.map((Part) => (
          <Part key={Part.displayName ?? Part.name} desk={desk} pane={pane} />
        ))}
        <Overlay desk={desk} pane={pane} />
        <State desk={desk} pane={pane} />
      </div>
      <StackSlider desk={desk} pane={pane} />
    </section>
  );
}

function labelOf(pane: Pane): string {
  const [image, count] = [pane.image.value, pane.images.value.length];
  if (!image) return t("noImage");
  const series = seriesName(image) || text(image.data, "Modality");
  return t("imageLabel", { series, n: pane.index.value + 1, m: count });
}

/** Anything but an image that is there. */
function State({ desk, pane }: { desk: Desk; pane: Pane }) {
  const progress = pane.progress.value;
  const n = pane.index.value + 1;
  const m = pane.images.value.length;
  if (progress.kind === "empty") return <p class="viewer-note">{t("emptyPane")}</p>;
  if (progress.kind === "listing" && m === 0) return <Busy text={t("listing")} />;
  if (progress.kind === "loading") {
    if (pane.preview.value) return <Busy text={t("preview")} isSmall />;
    const isStale = pane.shown.value !== null;
    return <Busy text={t("loadingImage", { n, m })} isSmall={isStale} />;
  }
  if (progress.kind !== "failed") return null;
  const again = () => tryAgain(desk, pane);
  return (
    <div class="viewer-failure">
      <PictureFailure error={progress.error} pane={pane} onRetry={again} />
    </div>
  );
}

function Busy({ text: said, isSmall = false }: { text: string; isSmall?: boolean }) {
  return (
    <p class={isSmall ? "viewer-busy viewer-busy-small" : "viewer-busy"} role="status">
      <span class="spinner" aria-hidden="true" /> {said}
    </p>
  );
}

/** Why there is no image, in words; trying again is offered where it may help. */
function PictureFailure({
  error,
  pane,
  onRetry,
}: {
  error: unknown;
  pane: Pane;
  onRetry: () => void;
}) {
  const reason = reasonOf(error, pane);
  if (reason === null) return <Failure error={error} onRetry={onRetry} />;
  return (
    <div class="viewer-reason" role="alert">
      <strong>{t("noImage")}</strong>
      <p>{reason}</p>
    </div>
  );
}

function reasonOf(error: unknown, pane: Pane): string | null {
  if (error instanceof ShortFrameError) {
    return t("short-frame", { found: error.found, wanted: error.wanted });
  }
  if (error instanceof NoPictureError) {
    const image = pane.image.value;
    return t(error.reason, {
      kind: image ? text(image.data, "Modality") : "",
      value: image ? text(image.data, "PhotometricInterpretation") : "",
      syntax: image?.transferSyntax ?? "",
    });
  }
  // What the service cannot decode it says itself; asking again changes nothing.
  if (error instanceof ProblemError && [404, 422].includes(error.status)) {
    return error.detail;
  }
  return error instanceof Error && error.message === "empty" ? t("empty") : null;
}
