import { expect, test } from "vitest";
import {
  addressOf,
  askedOf,
  countFilters,
  type Filters,
  NO_FILTERS,
  readFilters,
  today,
  toggled,
} from "./filters";

const FULL: Filters = {
  order: "newest",
  state: ["ready", "failed"],
  reading: ["unread"],
  advice: ["refer", "unsure"],
  modality: "CT",
  days: 0,
  from: "2026-01-02",
  to: "2026-03-04",
  text: "王^小 & Söhne",
};

const read = (address: string) =>
  readFilters(new URL(address, "http://page").searchParams);

test("an address keeps every filter", () => {
  expect(read(addressOf(FULL))).toEqual(FULL);
  expect(read(addressOf({ ...NO_FILTERS, days: 7 })).days).toBe(7);
  expect(addressOf(NO_FILTERS)).toBe("/");
});

test("a study's address keeps the list that it was opened out of", () => {
  expect(read(addressOf(FULL, "/studies/17"))).toEqual(FULL);
  expect(addressOf(NO_FILTERS, "/studies/17")).toBe("/studies/17");
  expect(read("/studies/17?prior=4&reading=unread").reading).toEqual(["unread"]);
});

test("what an address should not hold counts as not there", () => {
  const odd =
    "/?order=best&state=ready&state=x&reading=&modality=ct%0a&days=9&from=1.2.2026&advice=no";
  expect(read(odd)).toEqual({ ...NO_FILTERS, state: ["ready"] });
  expect(read(`/?text=${"x".repeat(99)}`).text).toHaveLength(64);
});

test("the order of words in an address does not matter", () => {
  expect(addressOf(read("/?state=failed&state=ready"))).toBe(
    "/?state=ready&state=failed",
  );
});

test("the API is asked for what is narrowed and for nothing else", () => {
  expect(askedOf(NO_FILTERS, "2026-03-04")).toEqual({ order: "urgent" });
  expect(askedOf(FULL, "2026-03-04")).toEqual({
    order: "newest",
    state: ["ready", "failed"],
    reading: ["unread"],
    advice: ["refer", "unsure"],
    modality: "CT",
    date_from: "2026-01-02",
    date_to: "2026-03-04",
    text: "王^小 & Söhne",
  });
});

test("seven days are today and the six before, over the end of a month", () => {
  const week = askedOf({ ...NO_FILTERS, days: 7, from: "2020-01-01" }, "2026-03-04");
  expect(week.date_from).toBe("2026-02-26");
  expect(askedOf({ ...NO_FILTERS, days: 1 }, "2026-03-04").date_from).toBe("2026-03-04");
  expect(week.date_to).toBeUndefined();
});

test("today is that of the reader's clock", () => {
  expect(today(new Date(2026, 0, 2, 23, 59))).toBe("2026-01-02");
});

test("filters are counted, and switched on and off", () => {
  expect(countFilters(NO_FILTERS)).toBe(0);
  expect(countFilters(FULL)).toBe(8);
  expect(toggled(["a"], "b")).toEqual(["a", "b"]);
  expect(toggled(["a", "b"], "a")).toEqual(["b"]);
});
