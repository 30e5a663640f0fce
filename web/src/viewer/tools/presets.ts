/** Windows on digits: the file's own first, then those of the field by modality. */

import type { Values } from "./statistics";

/** Window Center and Width (0028,1050, 1051) in rescaled values. */
export interface Window {
  readonly center: number;
  readonly width: number;
}

/** Where a preset's numbers come from. */
export type Preset =
  | { readonly kind: "own" }
  | { readonly kind: "full" }
  | { readonly kind: "percentile"; readonly low: number; readonly high: number }
  | ({ readonly kind: "fixed"; readonly name: FixedName } & Window);

export type FixedName =
  | "lung"
  | "bone"
  | "brain"
  | "soft"
  | "stroke"
  | "mediastinum"
  | "liver"
  | "subdural";

const fixed = (name: FixedName, width: number, center: number): Preset => ({
  kind: "fixed",
  name,
  width,
  center,
});

/** In HU, as they stand in the field's teaching (radiopaedia.org, "Windowing (CT)"). */
const CT: readonly Preset[] = [
  { kind: "own" },
  fixed("lung", 1500, -600),
  fixed("bone", 2000, 500),
  fixed("brain", 80, 40),
  fixed("soft", 400, 40),
  fixed("stroke", 40, 40),
  fixed("mediastinum", 350, 50),
  fixed("liver", 150, 30),
  fixed("subdural", 200, 75),
];

const OTHERS: readonly Preset[] = [
  { kind: "own" },
  { kind: "full" },
  { kind: "percentile", low: 1, high: 99 },
  { kind: "percentile", low: 5, high: 95 },
];

/**
 * The presets of an image, the first on digit 1.
 *
 * @param isHounsfield the values are HU; a CT image without a rescale is not.
 */
export function presetsOf(modality: string, isHounsfield: boolean): readonly Preset[] {
  return modality === "CT" && isHounsfield ? CT : OTHERS;
}

/**
 * The window from one percentile of the values to another.
 *
 * @param image its rescaled values, NaN is left out; of large ones every so-many-th is read.
 * @param low, high percentiles, 0..100.
 */
export function windowOfPercentiles(
  image: Pick<Values, "rows" | "columns" | "at">,
  low: number,
  high: number,
): Window {
  const length = image.rows * image.columns;
  const step = Math.max(1, Math.floor(length / 250_000));
  const some: number[] = [];
  for (let index = 0; index < length; index += step) {
    const value = image.at(index);
    if (!Number.isNaN(value)) some.push(value);
  }
  if (some.length === 0) return { center: 0, width: 1 };
  const sorted = Float64Array.from(some).sort();
  return between(percentile(sorted, low), percentile(sorted, high));
}

/** The window from the smallest value to the largest. */
export function windowOfRange([low, high]: readonly [number, number]): Window {
  return between(low, high);
}

/** Linear between neighbours, as numpy's default. */
function percentile(sorted: Float64Array, share: number): number {
  const at = ((sorted.length - 1) * share) / 100;
  const below = sorted[Math.floor(at)] ?? 0;
  const above = sorted[Math.ceil(at)] ?? below;
  return below + (above - below) * (at - Math.floor(at));
}

function between(low: number, high: number): Window {
  return { center: (low + high) / 2, width: Math.max(high - low, 1e-6) };
}

/** A step by key, a 20th of the width. */
export function steppedWindow(
  { center, width }: Window,
  what: "center" | "width",
  sign: 1 | -1,
): Window {
  if (what === "center") return { center: center + (sign * width) / 20, width };
  return { center, width: sign > 0 ? width * 1.1 : width / 1.1 };
}
