/** Outlines of maps and masks as SVG paths, in pixels of the image. */

import { contours } from "d3-contour";

/** Grey values of a picture, 0..255, row by row; it reaches from edge to edge of the image. */
export interface Grey {
  readonly rows: number;
  readonly columns: number;
  readonly values: Uint8Array;
}

/** Size of the image that a picture lies over. */
export interface Over {
  readonly rows: number;
  readonly columns: number;
}

/** Half of the strongest support that the finding has anywhere in the study. */
const HALF = 127.5;

/** The outline at half of the strongest support; "" where a map does not reach it. */
export function evidencePath(map: Grey, over: Over): string {
  return pathAt(map, map.values, HALF, over);
}

/**
 * The outline of a mask along the edges of its pixels: what is inside it is the mask,
 * pixel by pixel.
 */
export function maskPath(mask: Grey, value: number, over: Over): string {
  const { rows, columns, values } = mask;
  const [sx, sy] = [over.columns / columns, over.rows / rows];
  const isIn = (row: number, column: number) =>
    row >= 0 &&
    column >= 0 &&
    row < rows &&
    column < columns &&
    values[row * columns + column] === value;
  const lines: string[] = [];
  // Runs along each line between rows, then between columns.
  for (let row = 0; row <= rows; row += 1) {
    runs(
      columns,
      (at) => isIn(row - 1, at) !== isIn(row, at),
      (from, to) => lines.push(`M${from * sx} ${row * sy}H${to * sx}`),
    );
  }
  for (let column = 0; column <= columns; column += 1) {
    runs(
      rows,
      (at) => isIn(at, column - 1) !== isIn(at, column),
      (from, to) => lines.push(`M${column * sx} ${from * sy}V${to * sy}`),
    );
  }
  return lines.join("");
}

function runs(
  length: number,
  isOn: (at: number) => boolean,
  found: (from: number, to: number) => void,
): void {
  let start = -1;
  for (let at = 0; at <= length; at += 1) {
    const on = at < length && isOn(at);
    if (on && start < 0) start = at;
    if (!on && start >= 0) {
      found(start, at);
      start = -1;
    }
  }
}

/** d3-contour counts from edges too: the centre of the first pixel is (0.5, 0.5). */
function pathAt(map: Grey, values: ArrayLike<number>, level: number, over: Over): string {
  const [sx, sy] = [over.columns / map.columns, over.rows / map.rows];
  const [shape] = contours().size([map.columns, map.rows]).thresholds([level])(
    Array.from(values),
  );
  const rings = shape?.coordinates.flat() ?? [];
  return rings
    .map((ring) => {
      const points = ring.map(([x = 0, y = 0]) => `${round(x * sx)} ${round(y * sy)}`);
      return `M${points.join("L")}Z`;
    })
    .join("");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
