/** Changing a box: by an edge, by a corner, as a whole. */

import type { Box } from "~/viewer/stage";
import type { Point } from "~/viewer/tools/matrix";
import type { Size } from "~/viewer/tools/shape";

/** Where a box can be taken hold of. */
export const EDGES = [
  "topLeft",
  "top",
  "topRight",
  "right",
  "bottomRight",
  "bottom",
  "bottomLeft",
  "left",
] as const;
export type Edge = (typeof EDGES)[number];

const LEAST = 1;

/** The place of a handle, in pixels of the image. */
export function handleAt([left, top, right, bottom]: Box, edge: Edge): Point {
  const x = has(edge, "left") ? left : has(edge, "right") ? right : (left + right) / 2;
  const y = has(edge, "top") ? top : has(edge, "bottom") ? bottom : (top + bottom) / 2;
  return [x, y];
}

function has(edge: Edge, side: "left" | "right" | "top" | "bottom"): boolean {
  return edge.toLowerCase().includes(side);
}

/** A box of whole pixels on its image, at least one pixel wide and high. */
export function tidy(box: Box, { rows, columns }: Size): Box {
  const [left, top, right, bottom] = box.map(Math.round) as unknown as Box;
  const [x1, x2] = ordered(left, right, columns);
  const [y1, y2] = ordered(top, bottom, rows);
  return [x1, y1, x2, y2];
}

function ordered(a: number, b: number, end: number): [number, number] {
  const low = Math.min(Math.max(Math.min(a, b), 0), end - LEAST);
  const high = Math.min(Math.max(Math.max(a, b), low + LEAST), end);
  return [low, high];
}

/** The box with one edge or corner at a point; beyond the other side it stops there. */
export function withEdge(box: Box, edge: Edge, [x, y]: Point, size: Size): Box {
  let [left, top, right, bottom] = box;
  if (has(edge, "left")) left = Math.min(x, right - LEAST);
  if (has(edge, "right")) right = Math.max(x, left + LEAST);
  if (has(edge, "top")) top = Math.min(y, bottom - LEAST);
  if (has(edge, "bottom")) bottom = Math.max(y, top + LEAST);
  return tidy([left, top, right, bottom], size);
}

/** The box somewhere else on its image, as large as it was. */
export function movedBox(box: Box, [dx, dy]: Point, { rows, columns }: Size): Box {
  const [left, top, right, bottom] = box;
  const x = Math.min(Math.max(Math.round(dx), -left), columns - right);
  const y = Math.min(Math.max(Math.round(dy), -top), rows - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

/** The box with its lower right corner moved. */
export function resizedBox(box: Box, [dx, dy]: Point, size: Size): Box {
  const [, , right, bottom] = box;
  return withEdge(box, "bottomRight", [right + dx, bottom + dy], size);
}

/** A box in the middle of an image, a quarter of it wide and high. */
export function middleBox({ rows, columns }: Size): Box {
  const [w, h] = [
    Math.max(1, Math.round(columns / 8)),
    Math.max(1, Math.round(rows / 8)),
  ];
  const [x, y] = [Math.floor(columns / 2), Math.floor(rows / 2)];
  return tidy([x - w, y - h, x + w, y + h], { rows, columns });
}
