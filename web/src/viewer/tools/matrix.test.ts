import { expect, test } from "vitest";
import { apply, IDENTITY, inverse, type Matrix, screenStep } from "./matrix";

/** Clockwise by 90°, 2 CSS pixels each: columns run down, rows to the left. */
const TURNED: Matrix = { a: 0, b: 2, c: -2, d: 0, e: 100, f: 0 };

test("a point goes where the map says", () => {
  expect(apply(TURNED, [0, 0])).toEqual([100, 0]);
  expect(apply(TURNED, [10, 5])).toEqual([90, 20]);
});

test("the inverse takes points back", () => {
  const skewed: Matrix = { a: 2, b: 0.5, c: -1, d: 5, e: 3, f: 4 };
  const [x, y] = apply(inverse(skewed), apply(skewed, [7, -2]));
  expect(x).toBeCloseTo(7, 12);
  expect(y).toBeCloseTo(-2, 12);
});

test("a pane without size has no inverse and gives the identity", () => {
  expect(inverse({ a: 0, b: 0, c: 0, d: 0, e: 1, f: 1 })).toEqual(IDENTITY);
});

test("an arrow to the right moves up the columns of an image turned by 90°", () => {
  // On the screen, right is the image's up: y falls.
  expect(screenStep(TURNED, [1, 0])).toEqual([0, -1]);
  const flipped: Matrix = { a: -1, b: 0, c: 0, d: 1, e: 50, f: 0 };
  expect(screenStep(flipped, [1, 0])).toEqual([-1, 0]);
  expect(screenStep(flipped, [0, 1])).toEqual([0, 1]);
});
