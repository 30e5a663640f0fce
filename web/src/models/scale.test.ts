import { expect, test } from "vitest";
import { path, shareEnds, straight, ticks } from "./scale";

test("a straight scale goes from end to end and holds what lies outside", () => {
  const scale = straight(0, 2, 100, 0);
  expect([0, 0.5, 2].map(scale)).toEqual([100, 75, 0]);
  expect([-1, 5].map(scale)).toEqual([100, 0]);
  expect(straight(3, 3, 0, 10)(3)).toBe(5);
});

test("ticks are round and lie within", () => {
  expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(0.7, 1, 3)).toEqual([0.7, 0.8, 0.9, 1]);
  expect(ticks(0, 3)).toEqual([0, 1, 2, 3]);
  expect(ticks(0, 142, 4)).toEqual([0, 50, 100]);
  expect(ticks(2, 2)).toEqual([2]);
});

test("ends of shares are round, hold all, and stay in 0..1", () => {
  expect(shareEnds([0.83, 0.97, null])).toEqual([0.8, 1]);
  expect(shareEnds([0.5, 0.61])).toEqual([0.4, 0.7]);
  expect(shareEnds([0, 1])).toEqual([0, 1]);
  expect(shareEnds([null, undefined])).toEqual([0, 1]);
});

test("a path names its points", () => {
  expect(
    path([
      [0, 1.234],
      [5, 6],
    ]),
  ).toBe("M0 1.23L5 6");
  expect(path([])).toBe("");
});
