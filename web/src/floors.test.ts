/** Imports point down only, and only at rooms that exist. */

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";

const ROOT = import.meta.dirname;
const FLOORS: Readonly<Record<string, number>> = {
  core: 0,
  shell: 1,
  viewer: 2,
  findings: 3,
  report: 3,
  worklist: 4,
  study: 4,
  models: 4,
  trial: 4,
};
const TOP = 5;

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return files(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

function roomOf(path: string): string {
  const parts = path.split("/");
  return parts.length > 1 ? (parts[0] ?? "") : "";
}

function imports(): Import[] {
  return files(ROOT).flatMap((path) => {
    const file = relative(ROOT, path);
    const text = readFileSync(path, "utf-8");
    const found = text.matchAll(/(?:from|import)\s*\(?\s*"(~\/|\.\.?\/)([^"]+)"/g);
    return [...found].map(([, kind, rest]) => {
      const at =
        kind === "~/" ? (rest ?? "") : relative(ROOT, join(path, "..", `${kind}${rest}`));
      return { file, from: roomOf(file), to: roomOf(at) };
    });
  });
}

const height = (room: string): number =>
  room === "" ? TOP : (FLOORS[room] ?? Number.NaN);

test("the imports of many files were read", () => {
  expect(imports().length).toBeGreaterThan(20);
});

test("every room has its floor", () => {
  const unknown = imports().filter(({ from, to }) =>
    [from, to].some((r) => Number.isNaN(height(r))),
  );
  expect(unknown).toEqual([]);
});

test("imports point down", () => {
  const wrong = imports().filter(
    ({ from, to }) => from !== to && height(from) <= height(to),
  );
  expect(wrong).toEqual([]);
});
