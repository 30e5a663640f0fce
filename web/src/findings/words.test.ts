import { expect, test } from "vitest";
import { finding } from "./samples";
import { changeOf, figure, shareOf } from "./words";

// The table of tests/write/test_text.py: page and report say the same figure.
const TABLE: readonly [number, number | null, string][] = [
  [0.931, null, "93.1 %"],
  [0.5, 0.5, "50.0 %"],
  [0.4999, 0.5, "49.99 %"],
  [0.49999, 0.5, "49.999 %"],
  [0.000781, 0.525667, "0.1 %"],
  [0.00001, null, "< 0.1 %"],
  [0.00001, 0.5, "< 0.1 %"],
  [0.00001, 0.00002, "0.0010 %"],
  [0.99999, null, "> 99.9 %"],
  [0.99999, 0.9999, "99.9990 %"],
  [1, null, "> 99.9 %"],
  [0, null, "< 0.1 %"],
  [1, 1, "> 99.9 %"],
  [1, 0.9999, "100.0000 %"],
];

test.each(TABLE)("%f beside %s is %s", (share, beside, shown) => {
  expect(shareOf(share, beside)).toBe(shown);
});

test("a probability below its operating point never looks like it", () => {
  for (const threshold of [0.001, 0.1, 0.123, 0.5, 0.75, 0.9, 0.998]) {
    expect(shareOf(threshold - 2e-6, threshold)).not.toBe(
      shareOf(threshold, threshold - 2e-6),
    );
  }
});

test("a change tells the probability before", () => {
  const change = {
    trend: "new",
    before: null,
    prior_probability: 0.2,
    days: 9,
  } as const;
  const said = changeOf(finding("1", { probability: 0.931, change }));
  expect(said).toBe("new, probability before 20.0 %, 9 days ago");
});

test("sizes have four figures and no empty ones", () => {
  expect([12.3, 0.0123456, 2.014, 24.7, 0].map(figure)).toEqual([
    "12.3",
    "0.01235",
    "2.014",
    "24.7",
    "0",
  ]);
});
