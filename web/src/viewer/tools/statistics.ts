/** Statistics of the rescaled values within a region: pixels whose centre lies in it. */

import type { Point } from "./matrix";
import { bounds } from "./shape";

/** The rescaled values of one grey image, row by row. */
export interface Values {
  readonly rows: number;
  readonly columns: number;
  /** Of the pixel row × columns + column; NaN where there is none (padding). */
  readonly at: (index: number) => number;
  /** "HU", "US" (unspecified), …: Rescale Type (0028,1054); "" for stored values. */
  readonly unit: string;
}

/** Of the values within a region; `n` is 0 where there are none. */
export interface Statistics {
  readonly n: number;
  readonly mean: number;
  /** Of the population (divided by n). */
  readonly sd: number;
  readonly min: number;
  readonly max: number;
}

/** The value of the pixel that a point lies in, null outside and on padding. */
export function valueAt(image: Values, [x, y]: Point): number | null {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= image.columns || row >= image.rows) return null;
  const value = image.at(row * image.columns + column);
  return Number.isNaN(value) ? null : value;
}

/**
 * Statistics of a rectangle or an ellipse.
 *
 * @param corners two opposite corners, in pixels of the image.
 */
export function statisticsOf(
  image: Values,
  kind: "rectangle" | "ellipse",
  corners: readonly Point[],
): Statistics {
  const [left, top, right, bottom] = bounds(corners);
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];
  const [rx, ry] = [(right - left) / 2, (bottom - top) / 2];
  const sums = new Sums();
  const last = Math.min(Math.ceil(bottom - 0.5), image.rows);
  for (let row = Math.max(Math.ceil(top - 0.5), 0); row < last; row += 1) {
    const across = (row + 0.5 - cy) / ry;
    const half =
      kind === "rectangle" ? rx : rx * Math.sqrt(Math.max(0, 1 - across * across));
    const start = Math.max(Math.ceil(cx - half - 0.5), 0);
    const end = Math.min(Math.ceil(cx + half - 0.5), image.columns);
    for (let column = start; column < end; column += 1) {
      sums.add(image.at(row * image.columns + column));
    }
  }
  return sums.result();
}

/** Welford's running sums: exact enough also for values far from 0. */
class Sums {
  private n = 0;
  private mean = 0;
  private squares = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    if (Number.isNaN(value)) return;
    this.n += 1;
    const off = value - this.mean;
    this.mean += off / this.n;
    this.squares += off * (value - this.mean);
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
  }

  result(): Statistics {
    const { n, mean, min, max } = this;
    if (n === 0)
      return { n, mean: Number.NaN, sd: Number.NaN, min: Number.NaN, max: Number.NaN };
    return { n, mean, sd: Math.sqrt(this.squares / n), min, max };
  }
}
