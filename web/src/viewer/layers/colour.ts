/** Colours of maps and masks over an image. */

import type { Grey } from "./contour";

export type Rgb = readonly [red: number, green: number, blue: number];

/**
 * Support from little to much: dark violet, red, orange, pale yellow. Lightness only grows,
 * so it reads alike without colour vision (after "inferno", Smith and van der Walt, CC0).
 */
const STOPS: readonly Rgb[] = [
  [22, 11, 57],
  [87, 16, 110],
  [165, 44, 96],
  [221, 81, 58],
  [249, 142, 9],
  [252, 255, 164],
];

/** The colour of a share of support, 0..1. */
export function supportColour(share: number): Rgb {
  const at = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1);
  const [low, high] = [STOPS[Math.floor(at)], STOPS[Math.ceil(at)]];
  if (!low || !high) return [0, 0, 0];
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(low[channel] + (high[channel] - low[channel]) * (at - Math.floor(at)));
  return [mix(0), mix(1), mix(2)];
}

/** Below this share nothing is drawn; above it the opacity grows with the support. */
const FAINT = 0.25;

/** How much of the opacity a share of support has, so that little hides little. */
export function supportAlpha(share: number): number {
  return Math.min(1, Math.max(0, (share - FAINT) / (1 - FAINT)));
}

/**
 * The pixels of a map, R, G, B, A. 255 is the strongest support of the finding in the whole
 * study: a slice of little support must not look like one of much.
 */
export function paintSupport({ values }: Grey, target: Uint8ClampedArray): void {
  values.forEach((value, at) => {
    target.set(SUPPORT[value] ?? [0, 0, 0, 0], 4 * at);
  });
}

const SUPPORT = Array.from({ length: 256 }, (_, value) => {
  const share = value / 255;
  return [...supportColour(share), Math.round(255 * supportAlpha(share))] as const;
});

/** The pixels of a mask; all of it has one colour. */
export function paintMask(
  values: ArrayLike<number>,
  value: number,
  [red, green, blue]: Rgb,
  target: Uint8ClampedArray,
): void {
  for (let at = 0; at < values.length; at += 1) {
    const place = 4 * at;
    target[place] = red;
    target[place + 1] = green;
    target[place + 2] = blue;
    target[place + 3] = values[at] === value ? 255 : 0;
  }
}

/** "#ffb000" → (255, 176, 0); white for anything else. */
export function rgbOf(hex: string): Rgb {
  const found = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex.trim());
  if (!found) return [255, 255, 255];
  const [, red = "ff", green = "ff", blue = "ff"] = found;
  return [
    Number.parseInt(red, 16),
    Number.parseInt(green, 16),
    Number.parseInt(blue, 16),
  ];
}
