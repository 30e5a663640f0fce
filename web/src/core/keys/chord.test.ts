import { expect, test } from "vitest";
import { chordOf, keycaps } from "./chord";

const press = (
  key: string,
  held: Partial<Record<"ctrl" | "alt" | "shift" | "meta", true>> = {},
) =>
  chordOf({
    key,
    ctrlKey: held.ctrl ?? false,
    altKey: held.alt ?? false,
    shiftKey: held.shift ?? false,
    metaKey: held.meta ?? false,
  });

test("a printable character says itself whether Shift was held", () => {
  expect(press("?", { shift: true })).toBe("?");
  expect(press("A", { shift: true })).toBe("Shift+a");
  expect(press("a")).toBe("a");
});

test("named keys keep their modifiers, Command counts as Ctrl", () => {
  expect(press("ArrowDown", { shift: true })).toBe("Shift+ArrowDown");
  expect(press("Enter", { meta: true })).toBe("Ctrl+Enter");
  expect(press(" ")).toBe("Space");
});

test("a modifier alone is no chord", () => {
  expect(press("Shift", { shift: true })).toBe("");
});

test("keycaps of chords, also of the plus sign", () => {
  expect(keycaps("Ctrl+ArrowUp")).toEqual(["Ctrl", "↑"]);
  expect(keycaps("+")).toEqual(["+"]);
  expect(keycaps("j")).toEqual(["J"]);
});
