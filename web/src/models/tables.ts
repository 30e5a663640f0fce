/** Tables of labels in a set, found and read before anything is sent. */

import { type Head, headOf } from "./csv";
import { beginning, entriesOf } from "./unzip";
import type { Member } from "./zip";

/** A table with its columns. */
export interface LabelTable {
  readonly path: string;
  readonly head: Head;
}

const TABLE = /\.(csv|tsv)$/i;
/** Of each table only its beginning is read: names of columns and some values. */
const MOST_BYTES = 256 << 10;
const MOST_TABLES = 20;

/** Tables among files that were chosen. */
export async function tablesOf(
  members: readonly Member[],
): Promise<readonly LabelTable[]> {
  const found = members.filter(({ path }) => TABLE.test(path)).slice(0, MOST_TABLES);
  return Promise.all(
    found.map(async ({ path, file }) => {
      const bytes = new Uint8Array(await file.slice(0, MOST_BYTES).arrayBuffer());
      return { path, head: headOf(bytes, file.size <= MOST_BYTES) };
    }),
  );
}

/** Tables in an archive. */
export async function tablesIn(archive: Blob): Promise<readonly LabelTable[]> {
  const entries = await entriesOf(archive);
  const found = entries.filter(({ path }) => TABLE.test(path)).slice(0, MOST_TABLES);
  return Promise.all(
    found.map(async (entry) => {
      const bytes = await beginning(archive, entry, MOST_BYTES);
      return { path: entry.path, head: headOf(bytes, entry.size <= MOST_BYTES) };
    }),
  );
}

/** The table that most likely holds the labels: "labels.csv", else the only one. */
export function likelyTable(tables: readonly LabelTable[]): LabelTable | null {
  const named = tables.find(({ path }) => /(^|\/)labels\.csv$/i.test(path));
  return named ?? (tables.length === 1 ? (tables[0] ?? null) : null);
}
