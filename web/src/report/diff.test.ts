import { expect, test } from "vitest";
import { diff, type Piece } from "./diff";

const before = (pieces: readonly Piece[]) =>
  pieces
    .filter(({ kind }) => kind !== "added")
    .map(({ text }) => text)
    .join("");
const after = (pieces: readonly Piece[]) =>
  pieces
    .filter(({ kind }) => kind !== "removed")
    .map(({ text }) => text)
    .join("");

test("one word that changed is told", () => {
  expect(diff("A small nodule.", "A large nodule.")).toEqual([
    { kind: "same", text: "A " },
    { kind: "removed", text: "small" },
    { kind: "added", text: "large" },
    { kind: "same", text: " nodule." },
  ]);
});

test("equal, empty and wholly new texts", () => {
  expect(diff("", "")).toEqual([]);
  expect(diff("a b", "a b")).toEqual([{ kind: "same", text: "a b" }]);
  expect(diff("", "new")).toEqual([{ kind: "added", text: "new" }]);
  expect(diff("old", "")).toEqual([{ kind: "removed", text: "old" }]);
});

test("texts that have hardly a word in common are told one after the other", () => {
  const [old, fresh] = ["Newer words.", "Pneumonia: present, probability > 99 %. [AI]"];
  expect(diff(old, fresh)).toEqual([
    { kind: "removed", text: old },
    { kind: "added", text: fresh },
  ]);
  expect(diff("No effusion on the left.", "No effusion at all.")[0]).toEqual({
    kind: "same",
    text: "No effusion ",
  });
});

test("Chinese is compared by character, a decimal number as a whole", () => {
  expect(diff("右肺结节", "左肺结节")[0]).toEqual({ kind: "removed", text: "右" });
  expect(diff("12.3 mm", "12.4 mm")[0]).toEqual({ kind: "removed", text: "12.3" });
});

test("both texts can be had back to the letter, whatever was done", () => {
  const words = ["lung", " ", "\n", "clear", ".", "结", "12.5", "\t", "é"];
  let seed = 7;
  const pick = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return words[seed % words.length] ?? "";
  };
  for (let round = 0; round < 200; round += 1) {
    const a = Array.from({ length: round % 17 }, pick).join("");
    const b = Array.from({ length: (round * 7) % 19 }, pick).join("");
    const pieces = diff(a, b);
    expect([before(pieces), after(pieces)]).toEqual([a, b]);
  }
});

test("long texts are compared line by line, and stay whole", () => {
  const a = "one two three four\n".repeat(1_500);
  const b = `${a}five\n`;
  const pieces = diff(a, b);
  expect(pieces).toHaveLength(2);
  expect(pieces[1]).toEqual({ kind: "added", text: "five\n" });
});
