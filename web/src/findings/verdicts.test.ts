import { expect, test } from "vitest";
import { finding } from "./samples";
import {
  addedTo,
  expected,
  isDisputed,
  isThere,
  judge,
  lastWords,
  type Word,
  wordsOn,
} from "./verdicts";

function word(id: number, more: Partial<Word> = {}): Word {
  return {
    ...expected(judge(0, "1", "accept"), { place: 0, reader: "anna" }),
    id,
    at: "2026-11-28T12:00:00Z",
    ...more,
  };
}

test("of each reader the last word counts", () => {
  const said = [
    word(1),
    word(3, { verdict: "reject" }),
    word(2, { reader: "ben" }),
    word(4, { finding: "2" }),
  ];
  expect(lastWords(said).map((each) => each.id)).toEqual([2, 3, 4]);
  expect(wordsOn(said, "0/1").map((each) => each.id)).toEqual([3, 2]);
});

test("an added finding is as its newest word says", () => {
  const said = [
    word(7, { verdict: "add", finding: "+7", label: "nodule" }),
    word(8, { verdict: "add", finding: "+8", label: "mass" }),
    word(9, { verdict: "reject", finding: "+8", label: "mass", reader: "ben" }),
    word(3),
  ];
  expect(
    addedTo(said, 0).map((each) => [each.key, each.newest.label, each.isThere]),
  ).toEqual([
    ["0/+7", "nodule", true],
    ["0/+8", "mass", false],
  ]);
  expect(addedTo(said, 1)).toEqual([]);
});

test("a word on its way comes last and keeps what it leaves out", () => {
  const before = word(7, { finding: "+7", label: "nodule" });
  const said = expected(judge(0, "+7", "reject"), { place: 1, reader: "anna", before });
  expect(said.id).toBeGreaterThan(before.id);
  expect([said.finding, said.label]).toEqual(["+7", "nodule"]);
  const fresh = expected(judge(0, "", "add", { label: "cyst" }), {
    place: 2,
    reader: "anna",
  });
  expect(fresh.finding).toBe("+new2");
});

test("a reject turns presence round, another label denies the finding's own", () => {
  const present = finding("1", { label: "effusion" });
  const absent = finding("1", { label: "effusion", is_present: false });
  expect(isThere(present, word(1, { verdict: "reject" }))).toBe(false);
  expect(isThere(absent, word(1, { verdict: "reject" }))).toBe(true);
  expect(isThere(absent, word(1))).toBe(false);
  expect(isThere(present, word(1, { verdict: "correct", label: "mass" }))).toBe(false);
  expect(isThere(absent, word(1, { verdict: "correct", label: "" }))).toBe(true);
});

test("readers who see it differently dispute a finding", () => {
  const found = finding("1", { label: "effusion" });
  expect(isDisputed(found, [word(1), word(2)])).toBe(false);
  expect(isDisputed(found, [word(1), word(2, { verdict: "reject" })])).toBe(true);
  const others = [
    word(1, { verdict: "correct", label: "mass" }),
    word(2, { verdict: "correct", label: "cyst" }),
  ];
  expect(isDisputed(found, others)).toBe(true);
  expect(isDisputed(found, [])).toBe(false);
});
