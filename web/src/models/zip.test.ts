import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { beginning, entriesOf } from "./unzip";
import { type Member, PackError, zip } from "./zip";

const blob = (text: string) => new Blob([text]);
const MEMBERS: readonly Member[] = [
  { path: "labels.csv", file: blob("image,label\nbilder/ä.png,1\n") },
  { path: "bilder/ä.png", file: new Blob([new Uint8Array(300_000).fill(7)]) },
  { path: "空/empty", file: new Blob([]) },
];

/** Runs a program on an archive in a file of its own. */
async function onDisk<T>(archive: Blob, look: (path: string) => T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "medlens-zip-"));
  const path = join(folder, "made.zip");
  try {
    writeFileSync(path, new Uint8Array(await archive.arrayBuffer()));
    return look(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const READ = `
import hashlib, json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    print(json.dumps([[i.filename, i.file_size, i.compress_type, i.date_time[0],
        hashlib.sha256(archive.read(i)).hexdigest()[:8]] for i in archive.infolist()]))
`;

test("Python reads what was packed, checksums and names included", async () => {
  const told = await onDisk(await zip(MEMBERS), (path) =>
    JSON.parse(execFileSync("python3", ["-c", READ, path], { encoding: "utf-8" })),
  );
  // Digests by sha256sum of the same bytes.
  expect(told).toEqual([
    ["labels.csv", 28, 0, 1980, "1ec9eadd"],
    ["bilder/ä.png", 300_000, 0, 1980, "08f16647"],
    ["空/empty", 0, 0, 1980, "e3b0c442"],
  ]);
});

test("how far it is is told", async () => {
  const told: number[] = [];
  await zip(MEMBERS, (bytes) => told.push(bytes));
  expect(told.at(-1)).toBe(28 + 300_000);
  expect(told.every((each, at) => at === 0 || each >= (told[at - 1] ?? 0))).toBe(true);
});

test("two files of one name, and too many, are refused", async () => {
  const twice = [MEMBERS[0], MEMBERS[0]] as Member[];
  await expect(zip(twice)).rejects.toThrow(new PackError("names"));
  const above = [{ path: "/etc/passwd", file: blob("") }];
  await expect(zip(above)).rejects.toThrow(new PackError("names"));
  const many = Array.from({ length: 65_535 }, (_, at) => ({
    path: `${at}`,
    file: blob(""),
  }));
  await expect(zip(many)).rejects.toThrow(new PackError("many"));
  const huge = { size: 0xffff_ffff } as Blob;
  await expect(zip([{ path: "a", file: huge }])).rejects.toThrow(new PackError("large"));
});

test("an abort ends the reading", async () => {
  const abort = AbortSignal.abort();
  await expect(zip(MEMBERS, () => {}, abort)).rejects.toThrow(DOMException);
});

const PACK = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    archive.comment = b"a comment at the end"
    archive.writestr("set/labels.csv", "image,label\\n" + "a.png,1\\n" * 50000)
    archive.writestr("set/a.png", b"x" * 10)
`;

test("names and the beginning of a deflated file are read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "medlens-zip-"));
  try {
    const path = join(folder, "made.zip");
    execFileSync("python3", ["-c", PACK, path]);
    const { readFileSync } = await import("node:fs");
    const archive = new Blob([readFileSync(path)]);
    const entries = await entriesOf(archive);
    expect(entries.map(({ path: name, size }) => [name, size])).toEqual([
      ["set/labels.csv", 12 + 8 * 50_000],
      ["set/a.png", 10],
    ]);
    const [table] = entries;
    if (!table) throw new Error("no entry");
    const first = await beginning(archive, table, 20);
    expect(new TextDecoder().decode(first)).toBe("image,label\na.png,1\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what zip packs, unzip reads", async () => {
  const archive = await zip(MEMBERS);
  const entries = await entriesOf(archive);
  expect(entries.map((each) => each.path)).toEqual(MEMBERS.map((each) => each.path));
  const [table] = entries;
  if (!table) throw new Error("no entry");
  const text = new TextDecoder().decode(await beginning(archive, table, 11));
  expect(text).toBe("image,label");
});

test("no archive has no entries, and a broken one does not break the page", async () => {
  expect(await entriesOf(blob("just text"))).toEqual([]);
  const archive = await zip(MEMBERS);
  const [table] = await entriesOf(archive);
  if (!table) throw new Error("no entry");
  const odd = { ...table, at: 5 };
  expect(await beginning(archive, odd, 10)).toHaveLength(0);
  const broken = { ...table, method: 8 };
  expect(await beginning(archive, broken, 10)).toHaveLength(0);
});
