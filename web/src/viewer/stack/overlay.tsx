/** The text around an image, the letters at its edges, and the scale bar. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ImageInfo } from "../load/image";
import { OverlayLegend } from "../overlays/part";
import { t } from "../texts";
import type { Desk } from "./desk";
import { patientLines, placeLine, seriesLines, warningLines, windowLine } from "./legend";
import { placeOfImage } from "./opening";
import { seenEdges, storedEdges } from "./orientation";
import type { Pane } from "./pane_state";
import { scaleBar } from "./scale";

/** Share of the pane's width that the scale bar may have. */
const MOST_BAR = 0.28;

/** Everything that always stands on the image of a pane. */
export function Overlay({ desk, pane }: { desk: Desk; pane: Pane }) {
  const image = pane.shown.value?.image ?? pane.preview.value?.image ?? pane.image.value;
  if (!image) return null;
  const stored = storedEdges(image);
  const edges = stored && seenEdges(stored, pane.view.value);
  return (
    <div class="viewer-overlay">
      <Corner place="top-left" lines={patientLines(image)} isStrong />
      <Corner place="top-right" lines={seriesLines(image)} />
      <Corner
        place="bottom-left"
        lines={[...warningLines(image, edges !== null), placeOf(pane, image)]}
      />
      <Corner place="bottom-right" lines={shownLines(pane)}>
        <OverlayLegend desk={desk} pane={pane} />
      </Corner>
      {edges &&
        (["left", "right", "top", "bottom"] as const).map(
          (side) =>
            edges[side] && (
              <span key={side} class={`viewer-edge viewer-edge-${side}`}>
                {edges[side]}
              </span>
            ),
        )}
      <Scale pane={pane} image={image} />
    </div>
  );
}

function Corner({
  place,
  lines,
  isStrong = false,
  children = null,
}: {
  place: string;
  lines: readonly string[];
  isStrong?: boolean;
  children?: ComponentChildren;
}) {
  return (
    <div class={`viewer-corner viewer-${place}`}>
      {children}
      {lines.map((line, at) => (
        <div key={line} class={isStrong && at === 0 ? "viewer-name" : undefined}>
          <span>{line}</span>
        </div>
      ))}
    </div>
  );
}

function placeOf(pane: Pane, image: ImageInfo): string {
  const images = pane.images.value;
  const at = Math.max(0, placeOfImage(images, image.address));
  return placeLine(image, at, images.length);
}

function shownLines(pane: Pane): readonly string[] {
  const [voi, shown] = [pane.usedVoi.value, pane.shown.value];
  const zoom = t("zoom", { percent: Math.round(100 * pane.zoom.value) });
  if (!voi || !shown) return [zoom];
  const isColour = shown.picture.kind === "colour";
  return [windowLine(voi, isColour, pane.isInverted.value), zoom];
}

function Scale({ pane, image }: { pane: Pane; image: ImageInfo }) {
  const bar = useRef<HTMLDivElement>(null);
  const ratio = pane.ratio.value;
  const most = MOST_BAR * pane.size.value.width;
  const found = scaleBar(image.spacing, pane.zoom.value, most);
  useEffect(() => {
    if (bar.current && found) bar.current.style.width = `${found.length / ratio}px`;
  }, [found?.length, ratio]);
  if (!found) return null;
  return (
    <div
      class="viewer-scale"
      role="img"
      aria-label={t("scaleBar", { length: found.text })}
    >
      <span>{found.text}</span>
      <div ref={bar} class="viewer-scale-bar" />
    </div>
  );
}
