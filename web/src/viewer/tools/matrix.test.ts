import { expect, test } from "vitest";
import {
  apply,
  compose,
  IDENTITY,
  inverse,
  matrixOf,
  scaleOf,
  screenStep,
} from "./matrix";

const TURNED = matrixOf([100, 0], [100, 2], [98, 0]); // 90° clockwise, 2 CSS pixels each

test("three points make the map", () => {
  expect(apply(TURNED, [0, 0])).toEqual([100, 0]);
  expect(apply(TURNED, [10, 5])).toEqual([90, 20]);
  expect(scaleOf(TURNED)).toBe(2);
});

test("the inverse takes points back, in either order", () => {
  const skewed = matrixOf([3, 4], [5, 4.5], [2, 9]);
  const [x, y] = apply(inverse(skewed), apply(skewed, [7, -2]));
  expect(x).toBeCloseTo(7, 12);
  expect(y).toBeCloseTo(-2, 12);
  const same = compose(skewed, inverse(skewed));
  expect(same.a).toBeCloseTo(1, 12);
  expect(same.e).toBeCloseTo(0, 12);
});

test("a pane without size has no inverse and gives the identity", () => {
  expect(inverse({ a: 0, b: 0, c: 0, d: 0, e: 1, f: 1 })).toEqual(IDENTITY);
});

test("an arrow to the right moves up the columns of an image turned by 90°", () => {
  // On the screen, right is the image's up: y falls.
  expect(screenStep(TURNED, [1, 0])).toEqual([0, -1]);
  const flipped = matrixOf([50, 0], [49, 0], [50, 1]);
  expect(screenStep(flipped, [1, 0])).toEqual([-1, 0]);
  expect(screenStep(flipped, [0, 1])).toEqual([0, 1]);
});
