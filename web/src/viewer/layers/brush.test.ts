import { expect, test } from "vitest";
import { fill, type Mask, patchOf, put, stroke } from "./brush";

const blank = (rows = 5, columns = 6): Mask => ({
  rows,
  columns,
  pixels: new Uint8Array(rows * columns),
});
const picture = ({ rows, columns, pixels }: Mask) =>
  Array.from({ length: rows }, (_, row) =>
    [...pixels.subarray(row * columns, (row + 1) * columns)]
      .map((v) => (v ? "#" : "."))
      .join(""),
  );

test("a disc holds the pixels whose centre it holds", () => {
  const mask = blank();
  expect(stroke(mask, [2.5, 2.5], [2.5, 2.5], 1, 1)).toBe(5);
  expect(picture(mask)).toEqual(["......", "..#...", ".###..", "..#...", "......"]);
});

test("a stroke leaves no gap, however quick it was", () => {
  const mask = blank();
  stroke(mask, [0.5, 0.5], [5.5, 4.5], 0.75, 1);
  expect(picture(mask)).toEqual(["##....", ".##...", "..##..", "...##.", "....##"]);
});

test("a brush smaller than a pixel still paints the one under it", () => {
  const mask = blank();
  expect(stroke(mask, [3.1, 1.9], [3.1, 1.9], 0.1, 1)).toBe(1);
  expect(mask.pixels[1 * 6 + 3]).toBe(1);
});

test("an eraser takes away, and beyond the edge nothing happens", () => {
  const mask = blank();
  mask.pixels.fill(1);
  stroke(mask, [-1, -1], [-1, -1], 2.2, 0);
  expect(picture(mask)).toEqual([".#####", "######", "######", "######", "######"]);
  expect(stroke(mask, [50, 50], [60, 60], 3, 0)).toBe(0);
});

test("filling stops at the border, also where it touches at a corner only", () => {
  const mask = blank(4, 4);
  // A diagonal from the upper left to the lower right parts the image.
  for (let at = 0; at < 4; at += 1) mask.pixels[at * 4 + at] = 1;
  expect(fill(mask, [3.5, 0.5], 1)).toBe(6);
  expect(picture(mask)).toEqual(["####", ".###", "..##", "...#"]);
  expect(fill(mask, [0, 0], 1)).toBe(0);
  expect(fill(mask, [-1, 0], 1)).toBe(0);
});

test("a patch takes a mask back and forth", () => {
  const mask = blank();
  const before = mask.pixels.slice();
  stroke(mask, [2.5, 2.5], [4.5, 2.5], 0.6, 1);
  const after = mask.pixels.slice();
  const patch = patchOf("k", before, mask);
  expect(patch).toMatchObject({ left: 2, top: 2, width: 3, height: 1 });
  if (!patch) throw new Error("a stroke changed nothing");
  put(mask, patch, "before");
  expect(mask.pixels).toEqual(before);
  put(mask, patch, "after");
  expect(mask.pixels).toEqual(after);
  expect(patchOf("k", after, mask)).toBeNull();
});
