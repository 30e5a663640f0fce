import { expect, test } from "vitest";
import type { Calibration } from "./calibration";
import { angleOf, areaOf, lengthOf, read } from "./measure";

/** Rows 2 mm apart, columns 0.5 mm. */
const FLAT: Calibration = { spacing: [2, 0.5], unit: "mm", basis: "patient" };
const SQUARE: Calibration = { spacing: [1, 1], unit: "px", basis: "none" };

test("a length follows the spacing of both directions", () => {
  // 6 columns are 3 mm, 2 rows are 4 mm: the hypotenuse is 5.
  expect(lengthOf([1, 1], [7, 3], FLAT)).toBe(5);
  expect(lengthOf([0, 0], [3, 4], SQUARE)).toBe(5);
});

test("an angle is that of the tissue and not of the pixels", () => {
  // 4 columns are 2 mm, 1 row is 2 mm: a right triangle with 45° at the corner.
  expect(angleOf([[4, 0], [0, 0], [4, 1]], FLAT)).toBeCloseTo(45, 10); // biome-ignore format: points
  expect(angleOf([[1, 0], [0, 0], [-1, 0]], SQUARE)).toBeCloseTo(180, 10); // biome-ignore format: points
  expect(angleOf([[0, -1], [0, 0], [1, 0]], SQUARE)).toBeCloseTo(90, 10); // biome-ignore format: points
  expect(angleOf([[0, 0], [0, 0], [1, 0]], SQUARE)).toBeNull(); // biome-ignore format: points
});

test("areas of a rectangle and of the ellipse within it", () => {
  expect(areaOf("rectangle", [[0, 0], [4, 3]], FLAT)).toBe(12); // biome-ignore format: a box
  expect(areaOf("ellipse", [[4, 3], [0, 0]], FLAT)).toBeCloseTo(3 * Math.PI, 12); // biome-ignore format: a box
});

test("each kind says what belongs to it", () => {
  const image = { rows: 2, columns: 2, at: (index: number) => index + 1, unit: "HU" };
  const region = read({ kind: "rectangle", points: [[0, 0], [2, 2]] }, SQUARE, image); // biome-ignore format: a box
  expect(region).toMatchObject({ area: 4, length: null, value: null, unit: "HU" });
  expect(region.statistics?.mean).toBe(2.5);
  expect(read({ kind: "probe", points: [[1.5, 0.5]] }, SQUARE, image).value).toBe(2);
  expect(read({ kind: "ellipse", points: [[0, 0], [2, 2]] }, SQUARE, null).statistics).toBeNull(); // biome-ignore format: a box
});
