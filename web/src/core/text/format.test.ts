import { afterEach, expect, test } from "vitest";
import { ageAt, ago, bytes, day, percent, personName } from "./format";
import { fill, lang } from "./lang";

afterEach(() => {
  lang.value = "en";
});

test("probabilities never round to certainty", () => {
  expect(percent(0.931)).toBe("93.1 %");
  expect(percent(0.00001)).toBe("< 0.1 %");
  expect(percent(0.99999)).toBe("> 99.9 %");
  expect(percent(0)).toBe("0.0 %");
  expect(percent(1)).toBe("100.0 %");
});

test("person names by PS3.5 6.2.1.2", () => {
  expect(personName("Doe^Jane^Ann^Dr.^MD")).toBe("Doe, Dr. Jane Ann, MD");
  expect(personName("Wang^XiaoDong=王^小东")).toBe("Wang, XiaoDong");
  lang.value = "zh";
  expect(personName("Wang^XiaoDong=王^小东")).toBe("王小东");
  expect(personName("Doe^Jane")).toBe("Doe, Jane");
});

test("age counts birthdays", () => {
  expect(ageAt("1980-03-12", "2026-03-11")).toBe("45");
  expect(ageAt("1980-03-12", "2026-03-12")).toBe("46");
  expect(ageAt(null, "2026-03-12")).toBe("");
});

test("dates and times", () => {
  expect(day("2026-03-12")).toBe("12 Mar 2026");
  expect(day("nonsense")).toBe("");
  const now = Date.parse("2026-03-12T10:05:30Z");
  expect(ago("2026-03-12T10:00:00Z", { now })).toBe("5 minutes ago");
  expect(ago("2026-03-12T10:00:00Z", { now, isShort: true })).toBe("5 min ago");
});

test("sizes", () => {
  expect(bytes(999)).toBe("999 B");
  expect(bytes(1_536_000)).toBe("1.5 MB");
});

test("braces are filled, unknown ones stay", () => {
  expect(fill("{a} of {b}, {c}", { a: 1, b: "two" })).toBe("1 of two, {c}");
});
