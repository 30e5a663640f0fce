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

test("where a key writes no Latin letter its place counts", () => {
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  expect(chordOf({ ...none, key: "о", code: "KeyJ" })).toBe("j");
  expect(chordOf({ ...none, key: "О", code: "KeyJ", shiftKey: true })).toBe("Shift+j");
  expect(chordOf({ ...none, key: "†", code: "KeyT", altKey: true })).toBe("Alt+t");
  expect(chordOf({ ...none, key: "ö", code: "Semicolon" })).toBe("ö");
});

test("AltGr writes a character and is no chord", () => {
  const german = { key: "{", code: "Digit7", ctrlKey: true, altKey: true };
  const held = { ...german, metaKey: false, shiftKey: false };
  expect(chordOf({ ...held, getModifierState: (key) => key === "AltGraph" })).toBe("{");
  expect(chordOf({ ...held, getModifierState: () => false })).toBe("Ctrl+Alt+{");
});

test("a modifier alone is no chord", () => {
  expect(press("Shift", { shift: true })).toBe("");
});

test("keycaps of chords, also of the plus sign", () => {
  expect(keycaps("Ctrl+ArrowUp")).toEqual(["Ctrl", "↑"]);
  expect(keycaps("+")).toEqual(["+"]);
  expect(keycaps("j")).toEqual(["J"]);
});
