import { expect, test } from "vitest";
import { featuresOf, patientsOf, shareOf } from "./drift_report";

const REPORT = {
  reference: 200,
  answers: 57,
  images: {
    p_value: 0.00025,
    features: [{ name: "mean", before: 0.512345, now: 0.43, p_value: 0.00025 }],
  },
  outside: { n: 57, value: 0.0351, low: 0.0097, high: 0.1192 },
};

test("the most changed features with their medians", () => {
  expect(featuresOf(REPORT, "images")).toEqual({
    p: "< 0.001",
    features: [{ name: "mean", before: "0.512", now: "0.43" }],
  });
});

test("what a report does not hold is said to be missing", () => {
  // `answers` is the count of patients where the family was not tested.
  expect(featuresOf(REPORT, "answers")).toBeNull();
  expect(shareOf(REPORT, "positive")).toEqual({ value: null });
  expect(shareOf(REPORT, "outside").value).toBe(0.0351);
});

test("patients of a look, whichever way the report holds them", () => {
  expect(patientsOf(REPORT)).toBe("57");
  expect(patientsOf({ answers: { p_value: 0.2 }, positive: { n: 61 } })).toBe("61");
  expect(patientsOf({})).toBe("–");
});
