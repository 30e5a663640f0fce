import { expect, test } from "vitest";
import type { Vector } from "~/viewer/mpr/vector";
import { follow, type Located, linkOf } from "./link";

const AXIAL: readonly [Vector, Vector] = [[1, 0, 0], [0, 1, 0]]; // biome-ignore format: axes
const CORONAL: readonly [Vector, Vector] = [[1, 0, 0], [0, 0, -1]]; // biome-ignore format: axes
const series = (
  count: number,
  gap: number,
  start = 0,
  frame = "1",
  orientation = AXIAL,
): Located[] =>
  Array.from({ length: count }, (_, k) => ({
    position: [0, 0, start + k * gap] as Vector,
    orientation,
    frameOfReference: frame,
  }));

test("in one frame of reference slices meet at their place", () => {
  const [thick, thin] = [series(10, 5), series(50, 1)];
  const link = linkOf(thick, 3, thin, 0);
  expect(link).toEqual({ by: "position", offset: 0 });
  expect(follow(link, thick, 3, thin)).toBe(15);
  expect(follow(link, thin, 22, thick)).toBe(4);
});

test("two examinations keep the distance that they were linked at", () => {
  const [now, before] = [series(10, 5), series(20, 2.5, 100, "2")];
  const link = linkOf(now, 2, before, 6); // 10 mm here, 115 mm there
  expect(link).toEqual({ by: "position", offset: 105 });
  expect(follow(link, now, 2, before)).toBe(6);
  expect(follow(link, now, 3, before)).toBe(8);
  expect(follow(link, now, 9, before)).toBe(19);
});

test("a stack that runs the other way is followed all the same", () => {
  const [up, down] = [series(10, 5), series(10, 5).reverse()];
  const link = linkOf(up, 0, down, 0);
  expect(follow(link, up, 2, down)).toBe(7);
});

test("other planes and pictures without a place are counted", () => {
  const [axial, coronal] = [series(10, 5), series(10, 5, 0, "1", CORONAL)];
  expect(linkOf(axial, 4, coronal, 6)).toEqual({ by: "index", offset: 2 });
  const flat: Located[] = Array(3).fill({
    position: null,
    orientation: null,
    frameOfReference: "",
  });
  const link = linkOf(axial, 4, flat, 1);
  expect(link).toEqual({ by: "index", offset: -3 });
  expect([0, 4, 9].map((at) => follow(link, axial, at, flat))).toEqual([0, 1, 2]);
});
