import { expect, test } from "vitest";
import {
  append,
  bringIntoView,
  compare,
  drop,
  heirOf,
  insert,
  isOutOfOrder,
  keepInPlace,
  type Lines,
  onScreen,
  patch,
} from "./rows";
import { lineOf } from "./samples";

const at = (minute: number) => `2026-03-04T10:${String(minute).padStart(2, "0")}:00Z`;
const ids = (lines: Lines) => lines.studies.map((each) => each.id);
/** Three lines by urgency, and one more page. */
const THREE: Lines = {
  studies: [
    lineOf(1, { urgency: 30.9, last_at: at(1) }),
    lineOf(2, { urgency: 20.5, last_at: at(2) }),
    lineOf(3, { urgency: 0, last_at: at(3) }),
  ],
  next: "cursor",
};

test("urgent first; among equals the newest image, then the higher number", () => {
  const a = lineOf(1, { urgency: 2, last_at: at(1) });
  const b = lineOf(2, { urgency: 1, last_at: at(9) });
  expect(compare(a, b, "urgent")).toBeLessThan(0);
  expect(compare(a, b, "newest")).toBeGreaterThan(0);
  expect(compare(a, { ...a, id: 5 }, "urgent")).toBeGreaterThan(0);
});

test("the newest is what was made last, whenever it came", () => {
  const early = lineOf(1, { began_at: at(1), last_at: at(9) });
  const late = lineOf(2, { began_at: at(2), last_at: at(3) });
  expect(compare(late, early, "newest")).toBeLessThan(0);
  expect(compare(late, { ...late, last_at: at(4) }, "newest")).toBeGreaterThan(0);
});

test("moments are compared as moments, however many digits they have", () => {
  const early = lineOf(1, { last_at: "2026-03-04T10:00:00Z" });
  const late = lineOf(2, { last_at: "2026-03-04T10:00:00.250000Z" });
  expect(compare(late, early, "newest")).toBeLessThan(0);
});

test("a page is put behind, without those that are there", () => {
  const page = { studies: [lineOf(3, { state: "answered" }), lineOf(4)], next: null };
  const whole = append(THREE, page);
  expect(ids(whole)).toEqual([1, 2, 3, 4]);
  expect(whole.studies[2]?.state).toBe("answered");
  expect(whole.next).toBeNull();
});

test("a line that changed stays where it is", () => {
  const changed = patch(THREE, [lineOf(3, { urgency: 39, last_at: at(3) })]);
  expect(ids(changed)).toEqual([1, 2, 3]);
  expect(isOutOfOrder(THREE, "urgent")).toBe(false);
  expect(isOutOfOrder(changed, "urgent")).toBe(true);
});

test("the line after one that went takes its place, else the one before", () => {
  const before = [1, 2, 3, 4].map((id) => lineOf(id));
  const without = (...gone: number[]) => before.filter((each) => !gone.includes(each.id));
  expect(heirOf(before, 2, without(2))).toBe(3);
  expect(heirOf(before, 2, without(2, 3))).toBe(4);
  expect(heirOf(before, 4, without(4, 3))).toBe(2);
  expect(heirOf(before, 2, before)).toBe(2);
  expect(heirOf(before, 9, without(1))).toBe(2);
  expect(heirOf(before, 2, [])).toBeNull();
});

test("a new line is put where it belongs", () => {
  const { lines, added } = insert(
    THREE,
    [lineOf(9, { urgency: 25, last_at: at(9) }), lineOf(2)],
    "urgent",
  );
  expect(ids(lines)).toEqual([1, 9, 2, 3]);
  expect(added).toEqual([9]);
});

test("one that would stand last waits for its page, unless the list is whole", () => {
  const last = lineOf(9, { urgency: 0, last_at: at(0) });
  expect(insert(THREE, [last], "urgent").added).toEqual([]);
  expect(ids(insert({ ...THREE, next: null }, [last], "urgent").lines)).toEqual([
    1, 2, 3, 9,
  ]);
});

test("a removed line is gone", () => {
  expect(ids(drop(THREE, [2]))).toEqual([1, 3]);
});

test("of thousands only those on the screen are drawn", () => {
  expect(onScreen(0, 600, 50, 10_000, 2)).toEqual([0, 14]);
  expect(onScreen(5_025, 600, 50, 10_000, 2)).toEqual([98, 115]);
  expect(onScreen(9_999_999, 600, 50, 10, 2)).toEqual([10, 10]);
  expect(onScreen(0, 600, 50, 0, 2)).toEqual([0, 0]);
});

test("what is read does not move when lines come in above it", () => {
  // The line at place 10 of 50 px stood 20 px below the upper edge: scrolled 480.
  expect(keepInPlace(10, 20, 50)).toBe(480);
  expect(keepInPlace(13, 20, 50)).toBe(630);
  expect(keepInPlace(0, 20, 50)).toBe(0);
});

test("a line is brought into view by the shortest way", () => {
  expect(bringIntoView(2, 0, 600, 50)).toBe(0);
  expect(bringIntoView(2, 300, 600, 50)).toBe(100);
  expect(bringIntoView(20, 0, 600, 50)).toBe(450);
});
