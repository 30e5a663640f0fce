import { expect, test } from "vitest";
import type { Point } from "./matrix";
import { bounds, handlesOf, isLarge, movedBy, onto, withHandle } from "./shape";

const BOX: { kind: "rectangle"; points: Point[] } = {
  kind: "rectangle",
  points: [[10, 20], [30, 60]], // biome-ignore format: a box
};

test("a region has four corners to hold", () => {
  expect(handlesOf(BOX)).toEqual([[10, 20], [30, 20], [30, 60], [10, 60]]); // biome-ignore format: corners
  expect(handlesOf({ kind: "probe", points: [[1, 2]] })).toEqual([[1, 2]]);
});

test("each corner moves its two edges and leaves the others", () => {
  const edges = [0, 1, 2, 3].map((at) =>
    bounds(withHandle(BOX, at, [at === 0 || at === 3 ? 5 : 35, at < 2 ? 15 : 65])),
  );
  expect(edges).toEqual([
    [5, 15, 30, 60],
    [10, 15, 35, 60],
    [10, 20, 35, 65],
    [5, 20, 30, 65],
  ]);
});

test("the end of a line moves alone", () => {
  const line = { kind: "length" as const, points: [[0, 0], [3, 4]] as Point[] }; // biome-ignore format: a line
  expect(withHandle(line, 1, [6, 8])).toEqual([[0, 0], [6, 8]]); // biome-ignore format: a line
});

test("a shape that is pushed against the edge keeps its form", () => {
  const size = { rows: 64, columns: 40 };
  expect(movedBy(BOX.points, [100, -100], size)).toEqual([[20, 0], [40, 40]]); // biome-ignore format: a box
  expect(movedBy(BOX.points, [1, 1], size)).toEqual([[11, 21], [31, 61]]); // biome-ignore format: a box
});

test("points outside come back to the edge", () => {
  expect(onto([-1, 70], { rows: 64, columns: 40 })).toEqual([0, 64]);
});

test("a click that slipped is no measurement", () => {
  expect(isLarge({ kind: "length", points: [[1, 1], [1.2, 1.1]] })).toBe(false); // biome-ignore format: a line
  expect(isLarge({ kind: "rectangle", points: [[1, 1], [9, 1.5]] })).toBe(false); // biome-ignore format: a box
  expect(isLarge({ kind: "probe", points: [[1, 1]] })).toBe(true);
});
