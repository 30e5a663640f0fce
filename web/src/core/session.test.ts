import { beforeEach, expect, test, vi } from "vitest";
import { leave, may, me, placeLeft } from "./session";

const kept = new Map<string, string>();
const assign = vi.fn();

beforeEach(() => {
  kept.clear();
  assign.mockClear();
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  });
});

function at(pathname: string, search = "") {
  vi.stubGlobal("location", { pathname, search, assign });
}

test("after the log-in one is where one was, once", () => {
  at("/studies/17", "?series=2");
  leave();
  expect(assign).toHaveBeenCalledWith("/login");
  expect(placeLeft()).toBe("/studies/17?series=2");
  expect(placeLeft()).toBe("");
});

test("another host is no place to go back to", () => {
  kept.set("medlens.back", "//elsewhere.example/");
  expect(placeLeft()).toBe("");
  kept.set("medlens.back", "https://elsewhere.example/");
  expect(placeLeft()).toBe("");
});

test("the log-in page itself is not left", () => {
  at("/login");
  leave();
  expect(assign).not.toHaveBeenCalled();
});

test("rights are those that the service names", () => {
  me.value = { name: "a", role: "viewer", rights: ["view"], csrf: "", is_demo: false };
  expect([may("view"), may("administer")]).toEqual([true, false]);
  me.value = null;
  expect(may("view")).toBe(false);
});
