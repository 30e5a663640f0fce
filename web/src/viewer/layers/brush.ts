/** Painting on a mask: discs along a stroke, filling, and the way back. */

import type { Point } from "~/viewer/tools/matrix";

/** A mask of one image: 0 or 1 of each pixel, row by row. */
export interface Mask {
  readonly rows: number;
  readonly columns: number;
  readonly pixels: Uint8Array;
}

/** A rectangle of a mask before and after a change. */
export interface Patch {
  readonly key: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/**
 * Set all pixels whose centre is within a radius of a line; the pixel under each end always.
 *
 * @param from, to in pixels of the image, edges from 0.
 * @returns how many pixels changed.
 */
export function stroke(
  mask: Mask,
  from: Point,
  to: Point,
  radius: number,
  value: 0 | 1,
): number {
  let changed = 0;
  const set = (row: number, column: number) => {
    if (row < 0 || column < 0 || row >= mask.rows || column >= mask.columns) return;
    const at = row * mask.columns + column;
    if (mask.pixels[at] !== value) changed += 1;
    mask.pixels[at] = value;
  };
  const top = Math.max(0, Math.floor(Math.min(from[1], to[1]) - radius));
  const bottom = Math.min(mask.rows - 1, Math.ceil(Math.max(from[1], to[1]) + radius));
  const left = Math.max(0, Math.floor(Math.min(from[0], to[0]) - radius));
  const right = Math.min(mask.columns - 1, Math.ceil(Math.max(from[0], to[0]) + radius));
  for (let row = top; row <= bottom; row += 1) {
    for (let column = left; column <= right; column += 1) {
      if (distance([column + 0.5, row + 0.5], from, to) <= radius) set(row, column);
    }
  }
  for (const [x, y] of [from, to]) set(Math.floor(y), Math.floor(x));
  return changed;
}

function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1);
  const share = Math.min(1, Math.max(0, along));
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}

/**
 * Fill the pixels that are like the one under a point and joined to it by their edges.
 *
 * @returns how many pixels changed: 0 outside the image and where they are `value` already.
 */
export function fill(mask: Mask, [x, y]: Point, value: 0 | 1): number {
  const { rows, columns, pixels } = mask;
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= columns || row >= rows) return 0;
  const start = row * columns + column;
  if (pixels[start] === value) return 0;
  pixels[start] = value;
  let changed = 1;
  const open = [start];
  const visit = (at: number) => {
    if (pixels[at] === value) return;
    pixels[at] = value;
    changed += 1;
    open.push(at);
  };
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const beside = at % columns;
    if (beside > 0) visit(at - 1);
    if (beside < columns - 1) visit(at + 1);
    if (at >= columns) visit(at - columns);
    if (at + columns < pixels.length) visit(at + columns);
  }
  return changed;
}

/** What changed between two states of a mask, null if nothing did. */
export function patchOf(key: string, before: Uint8Array, now: Mask): Patch | null {
  const { rows, columns, pixels } = now;
  let [left, top, right, bottom] = [columns, rows, -1, -1];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const at = row * columns + column;
      if (before[at] === pixels[at]) continue;
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
    }
  }
  if (right < 0) return null;
  const place = { left, top, width: right - left + 1, height: bottom - top + 1 };
  return {
    key,
    ...place,
    before: cut(before, columns, place),
    after: cut(pixels, columns, place),
  };
}

type Place = Pick<Patch, "left" | "top" | "width" | "height">;

function cut(pixels: Uint8Array, columns: number, place: Place): Uint8Array {
  const found = new Uint8Array(place.width * place.height);
  for (let row = 0; row < place.height; row += 1) {
    const at = (place.top + row) * columns + place.left;
    found.set(pixels.subarray(at, at + place.width), row * place.width);
  }
  return found;
}

/** Put a patch back: `before` undoes it, `after` does it again. */
export function put(mask: Mask, patch: Patch, which: "before" | "after"): void {
  for (let row = 0; row < patch.height; row += 1) {
    const line = patch[which].subarray(row * patch.width, (row + 1) * patch.width);
    mask.pixels.set(line, (patch.top + row) * mask.columns + patch.left);
  }
}
