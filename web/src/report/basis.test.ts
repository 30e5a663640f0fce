import { expect, test } from "vitest";
import { lang } from "~/core/text/lang";
import { basisOf, cautionOf, originOf } from "./basis";

const at = (hour: number) => `2026-03-04T${String(hour).padStart(2, "0")}:00:00Z`;
const results = [
  { id: 9, created_at: at(11) },
  { id: 4, created_at: at(8) },
];

test("a draft is of the newest result, of an older one, or of none yet", () => {
  expect(basisOf(null, [])).toEqual({ kind: "free" });
  expect(basisOf(4, [])).toEqual({ kind: "free" });
  expect(basisOf(9, results).kind).toBe("current");
  expect(basisOf(4, results)).toMatchObject({ kind: "older", newest: { id: 9 } });
  expect(basisOf(3, results)).toMatchObject({ kind: "older", from: null });
  expect(basisOf(null, results)).toMatchObject({ kind: "before", newest: { id: 9 } });
  expect(basisOf(undefined, results).kind).toBe("before");
});

test("only what is not of the newest wants a word of caution", () => {
  for (const each of ["en", "zh"] as const) {
    lang.value = each;
    expect(cautionOf(basisOf(9, results))).toBe("");
    expect(cautionOf(basisOf(null, []))).toBe("");
    expect(cautionOf(basisOf(4, results))).toContain("2026");
    expect(cautionOf(basisOf(null, results))).toContain("2026");
  }
  lang.value = "en";
});

test("a version tells what was there when it was made, and what came since", () => {
  const told = (result_id: number | null, newest_result_id: number | null) => {
    const { from, wasOlder, isOlder } = originOf(
      { result_id, newest_result_id },
      results,
    );
    return [from !== "", wasOlder !== "", isOlder !== ""];
  };
  expect(told(9, 9)).toEqual([true, false, false]);
  expect(told(4, 9)).toEqual([true, true, false]);
  expect(told(4, 4)).toEqual([true, false, true]);
  expect(told(null, 9)).toEqual([false, false, false]);
  expect(told(null, null)).toEqual([false, false, true]);
});
