import { expect, test } from "vitest";
import type { Box } from "~/viewer/stage";
import { EDGES, handleAt, middleBox, movedBox, resizedBox, tidy, withEdge } from "./box";

const SIZE = { rows: 100, columns: 80 };
const BOX: Box = [10, 20, 30, 60];

test("handles stand at the corners and in the middle of the edges", () => {
  expect(EDGES.map((edge) => handleAt(BOX, edge))).toEqual([
    [10, 20],
    [20, 20],
    [30, 20],
    [30, 40],
    [30, 60],
    [20, 60],
    [10, 60],
    [10, 40],
  ]);
});

test("an edge moves alone, a corner two of them", () => {
  expect(withEdge(BOX, "left", [5, 99], SIZE)).toEqual([5, 20, 30, 60]);
  expect(withEdge(BOX, "topRight", [40.4, 11.6], SIZE)).toEqual([10, 12, 40, 60]);
  expect(withEdge(BOX, "left", [50, 0], SIZE)).toEqual([29, 20, 30, 60]);
  expect(withEdge(BOX, "bottom", [0, 900], SIZE)).toEqual([10, 20, 30, 100]);
});

test("a box stays on its image and keeps its size", () => {
  expect(movedBox(BOX, [-99, 99], SIZE)).toEqual([0, 60, 20, 100]);
  expect(movedBox(BOX, [1, -1], SIZE)).toEqual([11, 19, 31, 59]);
});

test("a box drawn from the lower right is the same box", () => {
  expect(tidy([30, 60, 10, 20], SIZE)).toEqual(BOX);
  expect(tidy([200, 200, 300, 300], SIZE)).toEqual([79, 99, 80, 100]);
  expect(tidy([5.4, 5.4, 5.4, 5.4], SIZE)).toEqual([5, 5, 6, 6]);
});

test("resizing never turns a box round", () => {
  expect(resizedBox(BOX, [-1, 1], SIZE)).toEqual([10, 20, 29, 61]);
  expect(resizedBox(BOX, [-99, -99], SIZE)).toEqual([10, 20, 11, 21]);
});

test("a new box lies in the middle, also on a tiny image", () => {
  expect(middleBox(SIZE)).toEqual([30, 37, 50, 63]);
  expect(middleBox({ rows: 1, columns: 1 })).toEqual([0, 0, 1, 1]);
});
