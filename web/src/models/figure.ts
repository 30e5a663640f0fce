/** Figures as people read them: a value never stands without its interval. */

import { number, percent } from "~/core/text/format";
import { tf } from "./texts_figures";
import type { Figure } from "./told";

/** How a figure is written. */
export type Style = "share" | "plain" | "signed";

/** "0.931", "93.1 %"; "–" of none. */
export function written(
  value: number | null | undefined,
  style: Style = "plain",
): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (style === "share") return percent(value);
  const text = number(value, 3);
  return style === "signed" && value > 0 ? `+${text}` : text;
}

/** "0.90 to 0.95" of an interval; "" of none. */
export function interval(figure: Figure | undefined, style: Style = "plain"): string {
  if (figure?.low === null || figure?.low === undefined) return "";
  if (figure.high === null || figure.high === undefined) return "";
  const ends = { low: written(figure.low, style), high: written(figure.high, style) };
  return tf("fromTo", ends);
}

/** "0.931 (0.90 to 0.95)"; the reason where there is no value. */
export function whole(figure: Figure | undefined, style: Style = "plain"): string {
  if (!figure || figure.value === null) return figure?.reason || "–";
  const around = interval(figure, style);
  const value = written(figure.value, style);
  return around ? `${value} (${around})` : value;
}

/** True where two intervals have no value in common. */
export function areApart(one: Figure | undefined, other: Figure | undefined): boolean {
  const ends = [one?.low, one?.high, other?.low, other?.high];
  if (!ends.every((each): each is number => Number.isFinite(each))) return false;
  const [low, high, otherLow, otherHigh] = ends as [number, number, number, number];
  return high < otherLow || otherHigh < low;
}

/** Figures that are shares of cases; all others are written as plain numbers. */
const SHARES = new Set([
  "sensitivity",
  "specificity",
  "ppv",
  "npv",
  "accuracy",
  "balanced_accuracy",
  "exact_match",
  "coverage",
]);

/** How a metric is written. */
export function styleOf(name: string): Style {
  return SHARES.has(name) ? "share" : "plain";
}
