import { expect, test } from "vitest";
import { presetsOf, steppedWindow, windowOfPercentiles, windowOfRange } from "./presets";

test("CT in HU has the field's windows on its digits", () => {
  const [own, lung, bone, brain] = presetsOf("CT", true);
  expect(own).toEqual({ kind: "own" });
  expect(lung).toMatchObject({ name: "lung", width: 1500, center: -600 });
  expect(bone).toMatchObject({ width: 2000, center: 500 });
  expect(brain).toMatchObject({ width: 80, center: 40 });
  expect(presetsOf("CT", true).length).toBeLessThanOrEqual(9);
});

test("what is no HU has none of them", () => {
  for (const list of [
    presetsOf("MR", true),
    presetsOf("CT", false),
    presetsOf("DX", false),
  ]) {
    expect(list.some((each) => each.kind === "fixed")).toBe(false);
  }
});

const row = (values: readonly number[]) => ({
  rows: 1,
  columns: values.length,
  at: (index: number) => values[index] ?? Number.NaN,
});

test("windows of the range and of percentiles, as numpy has them", () => {
  const values = Array.from({ length: 101 }, (_, at) => at);
  expect(windowOfRange([0, 100])).toEqual({ center: 50, width: 100 });
  expect(windowOfPercentiles(row(values), 1, 99)).toEqual({ center: 50, width: 98 });
  // numpy.percentile([1, 2, 4], 25) is 1.5, 75 is 3.
  const window = windowOfPercentiles(row([4, Number.NaN, 1, 2]), 25, 75);
  expect(window).toEqual({ center: 2.25, width: 1.5 });
});

test("an image of one value still has a window", () => {
  expect(windowOfRange([7, 7]).width).toBeGreaterThan(0);
  expect(windowOfPercentiles(row([]), 1, 99).width).toBeGreaterThan(0);
});

test("keys go there and back", () => {
  const wide = steppedWindow({ center: 40, width: 80 }, "width", 1);
  expect(wide.width).toBeCloseTo(88, 10);
  expect(steppedWindow(wide, "width", -1).width).toBeCloseTo(80, 10);
  expect(steppedWindow({ center: 40, width: 80 }, "center", -1).center).toBe(36);
});
