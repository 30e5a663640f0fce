import { expect, test } from "vitest";
import type { Item } from "~/core/upload/queue";
import { namesOf } from "./names";

const item = (path: string, studies: readonly number[]): Item => ({
  id: 1,
  name: path,
  path,
  size: 1,
  state: "done",
  share: 1,
  outcome: { kind: studies.length > 0 ? "stored" : "refused", reason: "", studies },
});

test("a study is known by its first file and the number of the others", () => {
  const names = namesOf([
    item("CT/1.dcm", [4]),
    item("letter.pdf", []),
    item("CT/2.dcm", [4]),
    item("two.zip", [5, 6]),
  ]);
  expect(names).toEqual({
    4: { first: "CT/1.dcm", others: 1 },
    5: { first: "two.zip", others: 0 },
    6: { first: "two.zip", others: 0 },
  });
});
