import { expect, test } from "vitest";
import { nextOf } from "./next";

const line = (id: number, urgency: number, last_at: string) => ({ id, urgency, last_at });
const list = [
  line(5, 30.9, "2026-11-02"),
  line(2, 30.5, "2026-11-03"),
  line(9, 20.1, "2026-11-05"),
  line(4, 20.1, "2026-11-04"),
];

test("the next one is the one after it in the worklist", () => {
  expect(nextOf(list, line(5, 30.9, "2026-11-02"))).toBe(2);
  expect(nextOf(list, line(9, 20.1, "2026-11-05"))).toBe(4);
});

test("a study that has left the list still has its place", () => {
  expect(nextOf(list, line(7, 25, "2026-11-01"))).toBe(9);
});

test("after the last one the first unread one comes", () => {
  expect(nextOf(list, line(4, 20.1, "2026-11-04"))).toBe(5);
  expect(nextOf([line(4, 1, "2026-11-04")], line(4, 1, "2026-11-04"))).toBeNull();
  expect(nextOf([], line(4, 1, "2026-11-04"))).toBeNull();
});

test("by date alone urgency does not count", () => {
  const byDate = [list[2], list[3], list[1], list[0]].filter(
    (each) => each !== undefined,
  );
  expect(nextOf(byDate, line(4, 20.1, "2026-11-04"), "newest")).toBe(2);
});
