import { expect, test } from "vitest";
import type { ImageInfo } from "../load/image";
import { inverse, apply as through } from "../tools/matrix";
import { lettersOf, oppositeOf, seenEdges } from "./orientation";
import { scaleBar } from "./scale";
import {
  type Extent,
  extentOf,
  fitZoom,
  flipped,
  matrixOf,
  oneToOne,
  pannedBy,
  START,
  scaled,
  turned,
  zoomedAt,
} from "./view";

const SQUARE: Extent = { columns: 100, rows: 50, wide: 1, high: 1 };
const SIZE = { width: 400, height: 400 };

test("fitted: the longer side fills the canvas, the centre is the centre", () => {
  expect(fitZoom(SQUARE, SIZE, 0)).toBe(4);
  const matrix = matrixOf(START, SQUARE, SIZE);
  expect(through(matrix, [0, 0])).toEqual([0, 100]);
  expect(through(matrix, [100, 50])).toEqual([400, 300]);
});

test("tall pixels are drawn tall: a circle stays a circle", () => {
  const image = {
    layout: { rows: 50, columns: 100 },
    spacing: { row: 2, column: 1, kind: "patient" },
  } as unknown as ImageInfo;
  const extent = extentOf(image);
  expect(extent).toEqual({ columns: 100, rows: 50, wide: 1, high: 2 });
  if (!extent) throw new Error("no extent");
  const { a, d } = matrixOf(START, extent, SIZE);
  expect([a, d]).toEqual([4, 8]);
});

test("one to one lies on whole pixels", () => {
  const odd: Extent = { columns: 101, rows: 51, wide: 1, high: 1 };
  const matrix = matrixOf(oneToOne(START, odd, SIZE), odd, SIZE);
  expect([matrix.a, matrix.d]).toEqual([1, 1]);
  expect([matrix.e % 1, matrix.f % 1]).toEqual([0, 0]);
});

test("a quarter clockwise: what was on top is at the right", () => {
  const matrix = matrixOf(turned(START), SQUARE, SIZE);
  expect(through(matrix, [50, 0])).toEqual([300, 200]);
});

test("a flipped image turns the way it is seen, too", () => {
  const view = turned(flipped(START, "across"));
  const matrix = matrixOf(view, SQUARE, SIZE);
  expect(through(matrix, [50, 0])).toEqual([300, 200]);
  const down = matrixOf(flipped(START, "down"), SQUARE, SIZE);
  expect(through(down, [0, 0])).toEqual([0, 300]);
});

test("four quarters and two flips are nothing", () => {
  const moved = pannedBy(START, SQUARE, SIZE, [30, -7]);
  const round = turned(turned(turned(turned(moved))));
  expect(matrixOf(round, SQUARE, SIZE)).toEqual(matrixOf(moved, SQUARE, SIZE));
  const back = flipped(flipped(moved, "across"), "across");
  expect(matrixOf(back, SQUARE, SIZE)).toEqual(matrixOf(moved, SQUARE, SIZE));
});

test("what is under the pointer stays there while one zooms", () => {
  const at = [100, 150] as const;
  const before = through(inverse(matrixOf(START, SQUARE, SIZE)), at);
  const view = zoomedAt(START, SQUARE, SIZE, at, 3);
  const after = through(inverse(matrixOf(view, SQUARE, SIZE)), at);
  expect(Math.hypot(after[0] - before[0], after[1] - before[1])).toBeLessThan(0.06);
});

test("there and back again", () => {
  const matrix = scaled(matrixOf(turned(START), SQUARE, SIZE), 0.5);
  const [x, y] = through(inverse(matrix), through(matrix, [12, 34]));
  expect(x).toBeCloseTo(12, 9);
  expect(y).toBeCloseTo(34, 9);
});

test("letters of directions (LPS), the strongest first", () => {
  expect(lettersOf([1, 0, 0])).toBe("L");
  expect(lettersOf([0, 0, -1])).toBe("F");
  expect(lettersOf([-0.8, -0.6, 0])).toBe("RA");
  expect(lettersOf([0.99, 0.1, 0.1])).toBe("L");
  expect(oppositeOf("RA")).toBe("LP");
  expect(oppositeOf("LE")).toBe(""); // of an animal's limb
});

test("letters follow turns and flips", () => {
  const axial = { left: "R", right: "L", top: "A", bottom: "P" };
  expect(seenEdges(axial, START)).toEqual(axial);
  const quarter = seenEdges(axial, turned(START));
  expect(quarter).toEqual({ left: "P", right: "A", top: "R", bottom: "L" });
  const mirrored = seenEdges(axial, flipped(START, "across"));
  expect(mirrored).toEqual({ left: "L", right: "R", top: "A", bottom: "P" });
});

test("the scale bar is the longest round length that fits", () => {
  const spacing = { row: 0.5, column: 0.5, kind: "patient" } as const;
  // 200 px at two for each pixel of 0.5 mm are 50 mm.
  expect(scaleBar(spacing, 2, 200)).toEqual({
    length: 200,
    millimetres: 50,
    text: "5 cm",
  });
  expect(scaleBar(spacing, 2, 199)?.text).toBe("2 cm");
  expect(scaleBar({ ...spacing, row: 1 }, 1, 100)?.text).toBe("5 cm");
  expect(scaleBar({ ...spacing, kind: "none" }, 2, 200)).toBeNull();
});
