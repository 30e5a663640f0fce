/** What became of files, from what the service answered to a parcel of them. */

import type { ProblemError } from "~/core/api/problem";
import type { components } from "~/core/api/schema";

export type Reply = components["schemas"]["Upload"];
type Entry = Reply["entries"][number];

/** What became of one file. */
export interface Outcome {
  /** "unreadable": this machine does not give it, so that it was never sent. */
  readonly kind: "stored" | "duplicate" | "refused" | "unreadable";
  /** In words; "" where all is well, or the kind says it. */
  readonly reason: string;
  /** Numbers of the studies that it is in. */
  readonly studies: readonly number[];
}

/** The name under which a file is sent, so that the reply's entries can be told apart. */
export function sentName(at: number): string {
  return `file-${at}`;
}

/**
 * The outcome of each file of a parcel.
 *
 * @param names as the files were sent; a single file has all entries.
 */
export function outcomes(
  names: readonly string[],
  entries: readonly Entry[],
): readonly Outcome[] {
  return names.map((name) =>
    outcomeOf(
      names.length === 1 ? entries : entries.filter((each) => each.name === name),
    ),
  );
}

function outcomeOf(entries: readonly Entry[]): Outcome {
  const studies = [...new Set(entries.flatMap((each) => each.study ?? []))];
  const taken = entries.filter(({ outcome }) =>
    ["stored", "duplicate"].includes(outcome),
  );
  const left = entries.filter((each) => !taken.includes(each));
  const reason = reasonsOf(left.map((each) => each.reason));
  if (taken.length === 0) return { kind: "refused", reason, studies };
  const isNew = taken.some((each) => each.outcome === "stored");
  return { kind: isNew ? "stored" : "duplicate", reason, studies };
}

/** The outcome of each file where nothing of a parcel was taken. */
export function outcomesOfProblem(
  names: readonly string[],
  problem: ProblemError,
): readonly Outcome[] {
  return names.map((name) => {
    const own = problem.errors.filter((each) => each.where === name);
    const said = names.length === 1 ? problem.errors : own;
    const reason = reasonsOf(said.map((each) => each.what)) || problem.detail;
    return { kind: "refused", reason, studies: [] };
  });
}

const SHOWN = 3;

/** A few reasons, each once; the service counts files by its own key, which says nothing here. */
function reasonsOf(reasons: readonly string[]): string {
  const plain = reasons.map((each) => each.replace(/^file \d+(?:, entry \d+)?: /, ""));
  const once = [...new Set(plain)].filter(Boolean);
  const more = once.length > SHOWN ? [`… +${once.length - SHOWN}`] : [];
  return [...once.slice(0, SHOWN), ...more].join("; ");
}
