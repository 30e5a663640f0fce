/** From rescaled values to shades: windows and VOI LUTs (PS3.3 C.11.2). */

import { type Lut, lookUp } from "./lut";

export const FUNCTIONS = ["LINEAR", "LINEAR_EXACT", "SIGMOID"] as const;
export type VoiFunction = (typeof FUNCTIONS)[number];

/** A window in the unit of the rescaled values. */
export interface Window {
  readonly kind: "window";
  readonly center: number;
  readonly width: number;
  readonly function: VoiFunction;
  /** The file's word for it, "" where it has none. */
  readonly label: string;
}

/** A table of the file. */
export interface VoiTable {
  readonly kind: "table";
  readonly lut: Lut;
  readonly label: string;
}

export type Voi = Window | VoiTable;

/** A window by two numbers. */
export function windowOf(
  center: number,
  width: number,
  how: VoiFunction = "LINEAR",
  label = "",
): Window {
  return { kind: "window", center, width, function: how, label };
}

/** Least width that a function can have: LINEAR needs 1 (C.11.2.1.2.1). */
export function leastWidth(how: VoiFunction): number {
  return how === "LINEAR" ? 1 : 1e-6;
}

/** All of a range, smallest black and largest white. */
export function fullRange(low: number, high: number): Window {
  return windowOf((low + high) / 2, Math.max(high - low, 1e-6), "LINEAR_EXACT");
}

/** The shade, 0..1, of a rescaled value. */
export function shader(voi: Voi): (value: number) => number {
  if (voi.kind === "table") return tableShader(voi.lut);
  const { center, width } = voi;
  if (voi.function === "SIGMOID") {
    return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
  }
  if (voi.function === "LINEAR_EXACT") {
    return (value) => clamp((value - center) / width + 0.5);
  }
  const [low, high] = [center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2];
  return (value) => {
    if (value <= low) return 0;
    if (value > high) return 1;
    return (value - (center - 0.5)) / (width - 1) + 0.5;
  };
}

/** The depth gives the whole range, unless the entries go beyond it. */
function tableShader(lut: Lut): (value: number) => number {
  const largest = lut.entries.reduce((most, each) => Math.max(most, each), 0);
  const top = Math.max(2 ** lut.bits - 1, largest);
  return (value) => lookUp(lut, value) / top;
}

function clamp(share: number): number {
  return share < 0 ? 0 : Math.min(share, 1);
}

/** Range of rescaled values that a window spreads from black to white. */
export function spanOf(window: Window): readonly [low: number, high: number] {
  const { center, width } = window;
  if (window.function !== "LINEAR") return [center - width / 2, center + width / 2];
  return [center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2];
}
