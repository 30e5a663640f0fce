import { expect, test } from "vitest";
import { movedTo, ownPrevalence, rowAt } from "./moving";
import type { Thresholds } from "./told";

// 100 ill and 200 well cases. Intervals by Wilson at 95 %, worked out with
// medlens.metrics.intervals.wilson; expected predictive values with
// medlens.metrics.predictive_estimates.
const TABLE: Thresholds = {
  threshold: [0, 0.4, 1],
  tp: [100, 90, 0],
  fp: [200, 20, 0],
  tn: [0, 180, 200],
  fn: [0, 10, 100],
  sensitivity_low: [0.963007, 0.825634, 0],
  sensitivity_high: [1, 0.944771, 0.036993],
  specificity_low: [0, 0.850594, 0.981155],
  specificity_high: [0.018845, 0.93433, 1],
};

test("predictive values at a stated prevalence, with intervals", () => {
  const moved = movedTo(TABLE, 1, 0.1);
  expect(moved.sensitivity.value).toBe(0.9);
  expect(moved.specificity.value).toBe(0.9);
  // 100 studies, 10 ill: 9 found, 9 of 90 called wrongly, 1 missed.
  expect(moved.alarms).toBeCloseTo(18);
  expect(moved.falseAlarms).toBeCloseTo(9);
  expect(moved.missed).toBeCloseTo(1);
  expect(moved.ppv.value).toBeCloseTo(0.5);
  expect(moved.ppv.low).toBeCloseTo(0.398755, 4);
  expect(moved.ppv.high).toBeCloseTo(0.604276, 4);
  expect(moved.npv.value).toBeCloseTo(0.987805, 5);
  expect(moved.npv.low).toBeCloseTo(0.978868, 4);
  expect(moved.npv.high).toBeCloseTo(0.993236, 4);
});

test("at the ends everybody or nobody is called", () => {
  const all = movedTo(TABLE, 0, 0.2);
  expect([all.alarms, all.missed]).toEqual([100, 0]);
  expect(all.ppv.value).toBeCloseTo(0.2);
  expect(all.npv.value).toBeNull();
  const none = movedTo(TABLE, 2, 0.2);
  expect([none.alarms, none.missed]).toEqual([0, 20]);
  expect(none.ppv.value).toBeNull();
  expect(none.npv.value).toBeCloseTo(0.8);
});

test("a rarer illness lowers the PPV and not the sensitivity", () => {
  const [often, rarely] = [movedTo(TABLE, 1, 0.5), movedTo(TABLE, 1, 0.01)];
  expect(rarely.sensitivity).toEqual(often.sensitivity);
  expect(often.ppv.value).toBeCloseTo(0.9);
  expect(rarely.ppv.value).toBeCloseTo(9 / (9 + 99));
});

test("the nearest row, and the evaluation's own prevalence within what can be set", () => {
  expect([0.05, 0.39, 0.9].map((each) => rowAt(TABLE, each))).toEqual([0, 1, 2]);
  expect(ownPrevalence(100, 200)).toBeCloseTo(1 / 3);
  expect(ownPrevalence(0, 10)).toBe(0.001);
  expect(ownPrevalence(10, 0)).toBe(0.99);
});
