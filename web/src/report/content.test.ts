import { expect, test } from "vitest";
import {
  emptyContent,
  insertAt,
  isEmpty,
  isSame,
  saysNothing,
  withSection,
} from "./content";

test("a piece is put apart from the words around it", () => {
  expect(insertAt("A nodule of in size.", "12 mm", 11)).toEqual({
    text: "A nodule of 12 mm in size.",
    cursor: 17,
  });
  expect(insertAt("Size:", "12 mm", 5)).toEqual({ text: "Size: 12 mm", cursor: 11 });
  expect(insertAt("", "12 mm", 0)).toEqual({ text: "12 mm", cursor: 5 });
  expect(insertAt("Size ?.", "12 mm", 5, 6)).toEqual({ text: "Size 12 mm.", cursor: 10 });
});

test("contents are the same when language, words and result are", () => {
  const empty = emptyContent("en");
  expect(isEmpty(empty)).toBe(true);
  expect(isSame(empty, emptyContent("zh"))).toBe(false);
  const written = withSection(empty, "findings", "Clear.");
  expect(isSame(empty, written)).toBe(false);
  expect(isEmpty(written)).toBe(false);
  expect(written.sections.impression).toBe("");
  expect(saysNothing(withSection(empty, "comparison", "None."))).toBe(true);
  expect([saysNothing(written), saysNothing(empty)]).toEqual([false, true]);
  // Drafted anew in the very words, it knows of the newer result.
  expect(isSame(written, { ...written, result_id: 9 })).toBe(false);
});
