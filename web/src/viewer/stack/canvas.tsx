/** The canvas of a pane: paints when something changed, once a frame at most. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { imageStands } from "../load/calm";
import { paint } from "../pixels/paint";
import type { Picture } from "../pixels/picture";
import type { Voi } from "../pixels/voi";
import type { Pane } from "./pane_state";
import { type Extent, zoomOf } from "./view";

/** The image of a pane. */
export function ImageCanvas({ pane, label }: { pane: Pane; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const on = canvas.current;
    return on ? keepPainted(pane, on) : undefined;
  }, [pane]);
  return <canvas ref={canvas} class="viewer-canvas" role="img" aria-label={label} />;
}

function keepPainted(pane: Pane, canvas: HTMLCanvasElement): () => void {
  const sheet = new Sheet();
  const stopSizing = keepSized(pane, canvas);
  let waiting = 0;
  const draw = () => {
    waiting = 0;
    drawPane(pane, canvas, sheet);
  };
  const stop = effect(() => {
    // Everything that a drawing depends on is read here, so that a change draws anew.
    void [pane.matrix.value, pane.shown.value, pane.preview.value];
    void [pane.usedVoi.value, pane.isInverted.value, pane.size.value];
    if (waiting === 0) waiting = requestAnimationFrame(draw);
  });
  return () => {
    stop();
    stopSizing();
    cancelAnimationFrame(waiting);
  };
}

/** The canvas has a pixel for each pixel of the screen. */
function keepSized(pane: Pane, canvas: HTMLCanvasElement): () => void {
  const measure = () => {
    const ratio = globalThis.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = canvas;
    pane.ratio.value = ratio;
    const size = {
      width: Math.round(clientWidth * ratio),
      height: Math.round(clientHeight * ratio),
    };
    const old = pane.size.peek();
    if (size.width !== old.width || size.height !== old.height) pane.size.value = size;
  };
  const watch = new ResizeObserver(measure);
  watch.observe(canvas);
  measure();
  return () => watch.disconnect();
}

/** A picture painted at its own size, kept until the picture or its look changes. */
class Sheet {
  private readonly canvas = document.createElement("canvas");
  private data: ImageData | null = null;
  private of: readonly unknown[] = [];

  painted(picture: Picture, voi: Voi, isInverted: boolean): HTMLCanvasElement {
    const of = [picture, voi, isInverted];
    if (of.every((each, at) => each === this.of[at])) return this.canvas;
    const { columns, rows } = picture;
    if (this.canvas.width !== columns || this.canvas.height !== rows || !this.data) {
      this.canvas.width = columns;
      this.canvas.height = rows;
      this.data = new ImageData(columns, rows);
    }
    paint(picture, { voi, isInverted }, this.data.data);
    this.canvas.getContext("2d")?.putImageData(this.data, 0, 0);
    this.of = of;
    return this.canvas;
  }
}

function drawPane(pane: Pane, canvas: HTMLCanvasElement, sheet: Sheet): void {
  const { width, height } = pane.size.peek();
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) return;
  context.resetTransform();
  context.fillStyle = "black";
  context.fillRect(0, 0, width, height);
  const [matrix, extent] = [pane.matrix.peek(), pane.extent.peek()];
  if (!matrix || !extent) return;
  const drawn = drawnOf(pane, sheet);
  if (!drawn) return;
  sharpen(context, pane, extent);
  context.setTransform(matrix);
  context.drawImage(drawn, 0, 0, extent.columns, extent.rows);
  imageStands();
}

function drawnOf(pane: Pane, sheet: Sheet): CanvasImageSource | null {
  const [shown, voi] = [pane.shown.peek(), pane.usedVoi.peek()];
  if (shown && voi) return sheet.painted(shown.picture, voi, pane.isInverted.peek());
  return pane.preview.peek()?.drawn ?? null;
}

/** At one to one every pixel stays what it is. */
function sharpen(context: CanvasRenderingContext2D, pane: Pane, extent: Extent): void {
  const zoom = zoomOf(pane.view.peek(), extent, pane.size.peek());
  const isExact = zoom === 1 && extent.wide === 1 && extent.high === 1;
  context.imageSmoothingEnabled = !isExact;
  context.imageSmoothingQuality = "high";
}
