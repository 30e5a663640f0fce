/** Which files went into which study: an answer says little without its image's name. */

import type { Item } from "~/core/upload/queue";

/** The first file of a study, and how many others there are. */
export interface Names {
  readonly first: string;
  readonly others: number;
}

/** By the number of the study. */
export type FileNames = Readonly<Record<number, Names>>;

/** Names of the files of each study, of what an upload brought. */
export function namesOf(items: readonly Item[]): FileNames {
  const found: Record<number, Names> = {};
  for (const { path, outcome } of items) {
    for (const study of outcome?.studies ?? []) {
      const known = found[study];
      found[study] = known
        ? { ...known, others: known.others + 1 }
        : { first: path, others: 0 };
    }
  }
  return found;
}
