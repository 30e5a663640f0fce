import { expect, test } from "vitest";
import { lastMonths, monthName, sitesOf, yearAt } from "./months";

test("the last months go over the turn of the year", () => {
  expect(lastMonths(4, new Date("2026-02-01T00:00:00Z"))).toEqual([
    "2025-11",
    "2025-12",
    "2026-01",
    "2026-02",
  ]);
  expect(lastMonths(1, new Date("2026-12-31T23:59:59Z"))).toEqual(["2026-12"]);
});

test("sites once, the unnamed one last", () => {
  const told = [{ site: "" }, { site: "North" }];
  expect(sitesOf(told, [{ site: "East" }, { site: "North" }])).toEqual([
    "East",
    "North",
    "",
  ]);
});

test("months by name, with the year where it begins", () => {
  expect(monthName("2026-11")).toBe("Nov");
  const months = ["2025-11", "2025-12", "2026-01"];
  expect(months.map((_, at) => yearAt(months, at))).toEqual(["2025", "", "2026"]);
});
