import { expect, test } from "vitest";
import { chosenFiles, droppedFiles, MOST_FILES } from "./files";

const file = (name: string) => new File(["x"], name);

/** A file or folder as a browser hands it out; one that is "locked" gives nothing. */
function entryOf(path: string, children?: readonly unknown[]): unknown {
  const rests = [children ?? [], []];
  return {
    isFile: !children,
    isDirectory: children !== undefined,
    fullPath: path,
    file: (done: (file: File) => void, failed: (why: Error) => void) =>
      path.includes("locked") ? failed(new Error("no")) : done(file(path)),
    createReader: () => ({
      readEntries: (done: (some: readonly unknown[]) => void) =>
        done(rests.shift() ?? []),
    }),
  };
}

function dropOf(...entries: readonly unknown[]): DataTransfer {
  const items = entries.map((entry) => ({
    kind: "file",
    webkitGetAsEntry: () => entry,
    getAsFile: () => null,
  }));
  return { items } as unknown as DataTransfer;
}

test("a folder is walked, and what it does not give holds up nothing else", async () => {
  const folder = entryOf("/CT", [
    entryOf("/CT/1.dcm"),
    entryOf("/CT/locked.dcm"),
    entryOf("/CT/series 2", [entryOf("/CT/series 2/2.dcm")]),
  ]);
  const { found, lost, isCut } = await droppedFiles(dropOf(folder));
  expect(found.map(({ path }) => path)).toEqual(["CT/1.dcm", "CT/series 2/2.dcm"]);
  expect([lost, isCut]).toEqual([["CT/locked.dcm"], false]);
});

test("files beyond the limit are told of", () => {
  const many = Array.from({ length: MOST_FILES + 1 }, (_, at) => file(`${at}`));
  const { found, isCut } = chosenFiles(many);
  expect([found.length, isCut]).toEqual([MOST_FILES, true]);
  expect(chosenFiles(many.slice(1)).isCut).toBe(false);
});
