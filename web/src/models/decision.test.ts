import { expect, test } from "vitest";
import { type Benefit, benefitsOf, stretchesOf, usefulBetween } from "./decision";
import type { Thresholds } from "./told";

// 20 cases, 10 of them ill. Probabilities of the ill: six 0.95, three 0.5, one 0.05; of
// the well: one 0.95, two 0.5, seven 0.05. Intervals by Wilson at 95 %.
const TABLE: Thresholds = {
  threshold: [0, 0.05, 0.5, 0.95, 1],
  tp: [10, 10, 9, 6, 0],
  fp: [10, 10, 3, 1, 0],
  tn: [0, 0, 7, 9, 10],
  fn: [0, 0, 1, 4, 10],
  sensitivity_low: [0.722467, 0.722467, 0.59585, 0.312674, 0],
  sensitivity_high: [1, 1, 0.982124, 0.83182, 0.277533],
  specificity_low: [0, 0, 0.396775, 0.59585, 0.722467],
  specificity_high: [0.277533, 0.277533, 0.892209, 0.982124, 1],
};
const at = (threshold: number) => {
  const found = benefitsOf(TABLE).find((each) => each.threshold === threshold);
  if (!found) throw new Error(`no net benefit at ${threshold}`);
  return found;
};

test("found cases less what false alarms cost, of 100", () => {
  // At 50 % a false alarm costs a found case: (9 − 3) / 20. Calling all: (10 − 10) / 20.
  expect(at(0.5).model.value).toBeCloseTo(30);
  expect(at(0.5).everybody).toBeCloseTo(0);
  // At 20 % four false alarms cost one: (9 − 3/4) / 20, and (10 − 10/4) / 20.
  expect(at(0.2).model.value).toBeCloseTo(41.25);
  expect(at(0.2).everybody).toBeCloseTo(37.5);
  // At 90 % one false alarm costs nine: (6 − 9) / 20, and (10 − 90) / 20.
  expect(at(0.9).model.value).toBeCloseTo(-15);
  expect(at(0.9).everybody).toBeCloseTo(-400);
});

test("where all are called the model gains what calling everybody gains", () => {
  expect(at(0.05).model.value).toBeCloseTo(at(0.05).everybody);
});

test("the interval puts both shares together", () => {
  // At 50 %: 50 · sensitivity − 50 · (1 − specificity), on different cases.
  const below = Math.hypot(50 * (0.9 - 0.59585), 50 * (0.7 - 0.396775));
  const above = Math.hypot(50 * (0.982124 - 0.9), 50 * (0.892209 - 0.7));
  expect(at(0.5).model.low).toBeCloseTo(30 - below, 4);
  expect(at(0.5).model.high).toBeCloseTo(30 + above, 4);
});

test("it is useful where it gains more than calling everybody, and than nobody", () => {
  // 9 − 3w > 10 − 10w where w = t / (1 − t) > 1/7: from t = 12.5 % on. At 86 % 6 − 6.14
  // is below nothing.
  expect(usefulBetween(benefitsOf(TABLE))).toEqual([0.13, 0.85]);
  const blind: Thresholds = { ...TABLE, tp: [10, 5, 5, 5, 0], fp: [10, 10, 10, 10, 0] };
  expect(
    usefulBetween(benefitsOf({ ...blind, fn: [0, 5, 5, 5, 10], tn: [0, 0, 0, 0, 10] })),
  ).toBeNull();
});

test("the longest stretch is the widest, not that of most rows", () => {
  const row = (threshold: number, value: number) => ({
    threshold,
    model: { value, low: value, high: value },
    everybody: 0,
  });
  const narrow = [0.01, 0.02, 0.03, 0.04].map((each) => row(each, 1));
  const wide = [0.2, 0.6].map((each) => row(each, 1));
  expect(usefulBetween([...narrow, row(0.1, 0), ...wide] as Benefit[])).toEqual([
    0.2, 0.6,
  ]);
});

test("stretches end where something does not hold", () => {
  expect(stretchesOf([1, 3, 2, 4, 6, 5], (each) => each !== 2 && each !== 5)).toEqual([
    [1, 3],
    [4, 6],
  ]);
});
