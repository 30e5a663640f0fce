import { expect, test } from "vitest";
import { cellsOf, mistakes, shade } from "./confusion";

test("shares are of the row, none of an empty one", () => {
  expect(
    cellsOf([
      [45, 3],
      [0, 0],
    ]),
  ).toEqual([
    [
      { count: 45, share: 0.9375 },
      { count: 3, share: 0.0625 },
    ],
    [
      { count: 0, share: null },
      { count: 0, share: null },
    ],
  ]);
});

test("shades go from nothing to nearly all", () => {
  expect([null, 0, 0.01, 0.26, 0.5, 0.99, 1].map(shade)).toEqual([0, 0, 1, 2, 3, 5, 5]);
});

test("the most frequent mistakes, never the diagonal", () => {
  const counts = [
    [90, 2, 0],
    [7, 80, 1],
    [0, 0, 9],
  ];
  expect(mistakes(["a", "b", "c"], counts, 2)).toEqual([
    { reference: "b", decision: "a", count: 7 },
    { reference: "a", decision: "b", count: 2 },
  ]);
});
