import { expect, test } from "vitest";
import { statisticsOf, type Values, valueAt } from "./statistics";

const RAMP: Values = {
  rows: 4,
  columns: 5,
  at: (index) => index,
  unit: "HU",
};

test("a rectangle takes the pixels whose centre is in it", () => {
  // Columns 1 and 2 of rows 1 and 2: 6, 7, 11, 12.
  const found = statisticsOf(RAMP, "rectangle", [[1, 1], [3, 3]]); // biome-ignore format: a box
  expect(found).toMatchObject({ n: 4, mean: 9, min: 6, max: 12 });
  expect(found.sd).toBeCloseTo(Math.sqrt((9 + 4 + 4 + 9) / 4), 12);
  expect(statisticsOf(RAMP, "rectangle", [[3, 3], [1, 1]])).toEqual(found); // biome-ignore format: a box
});

test("neighbouring rectangles share no pixel and miss none", () => {
  const at = (x: number) => [
    statisticsOf(RAMP, "rectangle", [[0, 0], [x, 4]]).n,
    statisticsOf(RAMP, "rectangle", [[x, 0], [5, 4]]).n,
  ]; // biome-ignore format: boxes
  for (const x of [1, 1.5, 2.2, 2.5, 3.9]) {
    const [left = 0, right = 0] = at(x);
    expect(left + right).toBe(20);
  }
});

test("an ellipse of 4 × 4 has its 12 inner centres", () => {
  const found = statisticsOf(RAMP, "ellipse", [[0, 0], [4, 4]]); // biome-ignore format: a box
  // All 16 but the four corners (distance 2.12 of 2): 0, 3, 15, 18.
  expect(found.n).toBe(12);
  expect(found.mean).toBe(9);
});

test("beyond the edge there is nothing, padding counts as nothing", () => {
  expect(statisticsOf(RAMP, "rectangle", [[-9, -9], [1, 1]])).toMatchObject({ n: 1, mean: 0 }); // biome-ignore format: a box
  const padded = { ...RAMP, at: (index: number) => (index === 1 ? 5 : Number.NaN) };
  expect(statisticsOf(padded, "rectangle", [[0, 0], [5, 4]])).toMatchObject({ n: 1, mean: 5, sd: 0 }); // biome-ignore format: a box
  expect(statisticsOf(padded, "ellipse", [[2, 2], [4, 4]]).n).toBe(0); // biome-ignore format: a box
});

test("a probe reads the pixel it lies in", () => {
  expect(valueAt(RAMP, [4.99, 3.99])).toBe(19);
  expect(valueAt(RAMP, [5, 0])).toBeNull();
  expect(valueAt(RAMP, [0, 0])).toBe(0);
});
