import { expect, test } from "vitest";
import { type Part, partsOf, pointOf } from "./told";

test("lists that a part does not have are empty, others stay", () => {
  const told: Partial<Part> = { of: "slices", n_cases: 7, confusion: null };
  const [part] = partsOf({ split: "test", form: "segment", parts: [told] });
  expect(part).toMatchObject({ of: "slices", n_cases: 7, labels: [], masks: [] });
  expect(partsOf(null)).toEqual([]);
});

test("the point that decides goes first, and only one of the label", () => {
  const point = (label: string, rule: string, chosen: boolean) => ({
    label,
    rule,
    chosen,
    threshold: 0.5,
    metrics: {},
  });
  const [part] = partsOf({
    split: "test",
    form: "image",
    parts: [
      {
        operating_points: [
          point("a", "accuracy", false),
          point("b", "youden", true),
          point("a", "youden", true),
        ],
      },
    ],
  });
  if (!part) throw new Error("no part");
  expect(pointOf(part, "a")?.rule).toBe("youden");
  expect(pointOf(part, "c")).toBeUndefined();
});
