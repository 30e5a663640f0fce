/** The scale bar: a round length that fits. */

import type { Spacing } from "../load/spacing";

/** A bar on the screen. */
export interface ScaleBar {
  /** Length on the canvas, in its pixels. */
  readonly length: number;
  /** "5 cm", "20 mm". */
  readonly text: string;
  readonly millimetres: number;
}

const STEPS = [1, 2, 5];

/**
 * The longest bar of 1, 2 or 5 times a power of ten that fits.
 *
 * @param spacing of the image; null is given for "none".
 * @param zoom pixels of the canvas for one of the image's finer side.
 * @param most pixels of the canvas.
 */
export function scaleBar(spacing: Spacing, zoom: number, most: number): ScaleBar | null {
  if (spacing.kind === "none" || most <= 0) return null;
  const perPixel = Math.min(spacing.row, spacing.column) / zoom;
  const wanted = most * perPixel;
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = STEPS.filter((each) => each * power <= wanted).pop() ?? 1;
  const millimetres = step * power;
  return { millimetres, length: millimetres / perPixel, text: lengthText(millimetres) };
}

/** A round length in the unit that people use for it. */
export function lengthText(millimetres: number): string {
  if (millimetres >= 10) return `${tidy(millimetres / 10)} cm`;
  if (millimetres >= 0.1) return `${tidy(millimetres)} mm`;
  return `${tidy(millimetres * 1000)} µm`;
}

function tidy(value: number): string {
  return String(Number(value.toPrecision(6)));
}
