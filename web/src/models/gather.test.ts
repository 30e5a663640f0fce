import { expect, test } from "vitest";
import { archiveOf, commonFolder, isWanted, membersOf } from "./gather";
import { likelyTable, tablesIn, tablesOf } from "./tables";
import { zip } from "./zip";

const file = (name: string, text = "x", path = "") => {
  const made = new File([text], name);
  Object.defineProperty(made, "webkitRelativePath", { value: path });
  return made;
};

test("what systems leave in folders is not sent", () => {
  const paths = [
    "a/.DS_Store",
    "__MACOSX/a",
    "a/Thumbs.db",
    ".git/x",
    "a/b.png",
    "a.b/c",
  ];
  expect(paths.filter(isWanted)).toEqual(["a/b.png", "a.b/c"]);
});

test("files of a folder keep their paths, and it is found again", () => {
  const members = membersOf([
    file("a.png", "x", "set/normal/a.png"),
    file("b.png", "x", "set/sick/b.png"),
    file(".DS_Store", "x", "set/.DS_Store"),
  ]);
  expect(members.map(({ path }) => path)).toEqual(["set/normal/a.png", "set/sick/b.png"]);
  expect(commonFolder(members)).toBe("set");
  expect(commonFolder(membersOf([file("a.png"), file("b.png")]))).toBe("");
});

test("one ZIP is an archive, a ZIP among files is not", () => {
  expect(archiveOf(membersOf([file("set.ZIP")]))?.name).toBe("set.ZIP");
  expect(archiveOf(membersOf([file("set.zip"), file("labels.csv")]))).toBeNull();
});

test("tables are read alike from files and from an archive", async () => {
  const members = membersOf([
    file("labels.csv", "image,label\na.png,1\n", "set/labels.csv"),
    file("notes.tsv", "a\tb\n", "set/notes.tsv"),
    file("a.png", "x", "set/a.png"),
  ]);
  const tables = await tablesOf(members);
  expect(tables.map(({ path, head }) => [path, head.columns])).toEqual([
    ["set/labels.csv", ["image", "label"]],
    ["set/notes.tsv", ["a", "b"]],
  ]);
  expect(await tablesIn(await zip(members))).toEqual(tables);
  expect(likelyTable(tables)?.path).toBe("set/labels.csv");
  expect(likelyTable(tables.slice(1))?.path).toBe("set/notes.tsv");
  expect(likelyTable([])).toBeNull();
});
