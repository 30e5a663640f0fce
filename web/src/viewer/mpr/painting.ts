/** The picture of a plane: its values through the window of the pane, on a canvas. */

import { effect } from "@preact/signals";
import { shader } from "~/viewer/pixels/voi";
import type { Pane } from "~/viewer/stack/pane_state";
import { scaled } from "~/viewer/stack/view";
import type { PlaneView } from "./state";

/** Keep the size of a view that of its canvas, in CSS pixels; returns what ends it. */
export function keepSized(of: PlaneView, canvas: HTMLCanvasElement): () => void {
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

/** Paint whenever values, window or place change; returns what ends it. */
export function keepPainted(
  of: PlaneView,
  pane: Pane,
  canvas: HTMLCanvasElement,
): () => void {
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
      // A fine screen has several pixels for one of CSS.
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(size.width * ratio);
      canvas.height = Math.round(size.height * ratio);
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
      const { a, b, c, d, e, f } = scaled(matrix, ratio);
      to.setTransform(a, b, c, d, e, f);
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
