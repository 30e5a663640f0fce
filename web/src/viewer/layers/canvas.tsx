/** Maps and masks as colour, drawn exactly over the image. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Stage } from "~/viewer/stage";
import { paintMask, paintSupport, rgbOf } from "./colour";
import type { LaidOver, SeenPicture } from "./seen";
import { t } from "./texts";

/** The canvas of the layers over an image or a plane. */
export function LayerCanvas({ stage, over }: { stage: Stage; over: LaidOver }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const on = canvas.current;
    return on ? keepDrawn(stage, over, on) : undefined;
  }, [stage, over]);
  const names = over.pictures().map(({ layer }) => layer.label);
  const said = [t("layers"), ...names].join(": ");
  return <canvas ref={canvas} class="viewer-layers" role="img" aria-label={said} />;
}

function keepDrawn(stage: Stage, over: LaidOver, canvas: HTMLCanvasElement): () => void {
  const sheets = new Sheets();
  let waiting = 0;
  const stop = effect(() => {
    const seen = stage.isOutline.value ? [] : over.pictures();
    const drawing = {
      seen,
      opacity: stage.opacity.value,
      matrix: over.matrix.value,
      extent: over.extent.value,
      size: over.size.value,
    };
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => draw(canvas, sheets, drawing));
  });
  return () => {
    stop();
    cancelAnimationFrame(waiting);
  };
}

interface Drawing {
  readonly seen: readonly SeenPicture[];
  readonly opacity: number;
  readonly matrix: LaidOver["matrix"]["value"];
  readonly extent: LaidOver["extent"]["value"];
  readonly size: LaidOver["size"]["value"];
}

function draw(canvas: HTMLCanvasElement, sheets: Sheets, drawing: Drawing): void {
  const { seen, opacity, matrix, extent, size } = drawing;
  canvas.width = size.width; // also clears it
  canvas.height = size.height;
  const context = canvas.getContext("2d");
  if (!context || !matrix || !extent) return;
  context.setTransform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f);
  for (const picture of seen) {
    const sheet = sheets.of(picture);
    if (!sheet) continue;
    // A map is a smooth thing; a mask is made of whole pixels.
    context.imageSmoothingEnabled = picture.layer.kind === "evidence";
    context.imageSmoothingQuality = "high";
    context.globalAlpha = opacity;
    context.drawImage(sheet, 0, 0, extent.columns, extent.rows);
  }
  sheets.keepOnly(seen);
}

/** Coloured pictures, kept while they are seen. */
class Sheets {
  private readonly kept = new Map<string, { of: SeenPicture; canvas: OffscreenCanvas }>();

  of(picture: SeenPicture): OffscreenCanvas | null {
    const { grey, layer } = picture;
    if (!grey) return null;
    const known = this.kept.get(layer.id);
    const isSame =
      known &&
      !picture.isPainted && // painted values change in place
      known.of.grey === grey &&
      known.of.value === picture.value &&
      known.of.layer.colour === layer.colour;
    if (isSame) return known.canvas;
    const isFit =
      known?.canvas.width === grey.columns && known.canvas.height === grey.rows;
    const canvas =
      isFit && known ? known.canvas : new OffscreenCanvas(grey.columns, grey.rows);
    paintOn(canvas, picture);
    this.kept.set(layer.id, { of: picture, canvas });
    return canvas;
  }

  keepOnly(seen: readonly SeenPicture[]): void {
    const ids = new Set(seen.map(({ layer }) => layer.id));
    for (const id of this.kept.keys()) if (!ids.has(id)) this.kept.delete(id);
  }
}

function paintOn(canvas: OffscreenCanvas, { grey, layer, value }: SeenPicture): void {
  const context = canvas.getContext("2d");
  if (!context || !grey) return;
  const data = context.createImageData(grey.columns, grey.rows);
  if (layer.kind === "evidence") paintSupport(grey, data.data);
  else paintMask(grey.values, value, layerColour(layer.colour), data.data);
  context.putImageData(data, 0, 0);
}

/** The colour of a layer as the style sheet has it. */
export function layerColour(colour: number) {
  const style = getComputedStyle(document.documentElement);
  return rgbOf(style.getPropertyValue(`--layer-${((colour % 8) + 8) % 8}`));
}
