import { afterEach, expect, test } from "vitest";
import { lang } from "~/core/text/lang";
import { areApart, interval, styleOf, whole, written } from "./figure";
import { meaningOf, nameOf, ruleOf } from "./texts_names";

afterEach(() => {
  lang.value = "en";
});

const AUROC = { value: 0.980194, low: 0.957335, high: 0.990921 };

test("a value stands with its interval", () => {
  expect(whole(AUROC)).toBe("0.980 (0.957 to 0.991)");
  expect(whole({ value: 0.93, low: 0.875, high: 0.961 }, "share")).toBe(
    "93.0 % (87.5 % to 96.1 %)",
  );
  lang.value = "zh";
  expect(interval(AUROC)).toBe("0.957 至 0.991");
});

test("without a value there is the reason, without an interval the value alone", () => {
  const none = { value: null, low: null, high: null, reason: "no case is called" };
  expect(whole(none)).toBe("no case is called");
  expect(whole({ value: 0.5 })).toBe("0.500");
  expect(whole(undefined)).toBe("–");
  expect(written(Number.NaN)).toBe("–");
  expect(written(0.02, "signed")).toBe("+0.020");
});

test("intervals are apart only where they share nothing", () => {
  const other = (low: number | null, high: number | null) => ({ value: 0.5, low, high });
  expect(areApart(AUROC, other(0.8, 0.95))).toBe(true);
  expect(areApart(AUROC, other(0.8, 0.96))).toBe(false);
  expect(areApart(AUROC, other(null, null))).toBe(false);
});

test("names, meanings and rules", () => {
  expect(nameOf("ppv")).toBe("PPV");
  expect(nameOf("something_new")).toBe("something new");
  expect(meaningOf("something_new")).toBe("");
  expect(ruleOf("sensitivity>=0.95")).toBe("sensitivity at least 95 %");
  expect(ruleOf("of my own")).toBe("of my own");
  expect(styleOf("npv")).toBe("share");
  expect(styleOf("auroc")).toBe("plain");
});
