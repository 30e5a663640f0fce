/** Who said what of a finding, and whether readers agree. */

import type { components } from "~/core/api/schema";
import { type Finding, findingKey } from "./diagnosis";

/** One word of one reader, as the service keeps it. */
export type Word = components["schemas"]["WordView"];
/** What is sent. */
export type Judgement = components["schemas"]["Judgement"];
export type Verdict = Judgement["verdict"];

/** How the names of findings begin that readers added. */
export const ADDED = "+";

/** A finding that a reader added, as the newest word on it says. */
export interface Added {
  readonly key: string;
  readonly assessment: number;
  readonly finding: string;
  readonly newest: Word;
  /** False where the newest word takes it back. */
  readonly isThere: boolean;
}

/** The last word of each reader on each finding, in order. */
export function lastWords(words: readonly Word[]): readonly Word[] {
  const last = new Map<string, Word>();
  for (const word of [...words].sort((a, b) => a.id - b.id)) {
    last.set(`${word.assessment}/${word.finding}/${word.reader}`, word);
  }
  return [...last.values()].sort((a, b) => a.id - b.id);
}

/** Last words on one finding, the newest first. */
export function wordsOn(words: readonly Word[], key: string): readonly Word[] {
  return lastWords(words)
    .filter((word) => findingKey(word.assessment, word.finding) === key)
    .sort((a, b) => b.id - a.id);
}

/** Findings that readers added to an assessment, the oldest first. */
export function addedTo(words: readonly Word[], assessment: number): readonly Added[] {
  const newest = new Map<string, Word>();
  for (const word of [...words].sort((a, b) => a.id - b.id)) {
    if (word.assessment !== assessment || !word.finding.startsWith(ADDED)) continue;
    newest.set(word.finding, word);
  }
  return [...newest.entries()].map(([finding, word]) => ({
    key: findingKey(assessment, finding),
    assessment,
    finding,
    newest: word,
    isThere: word.verdict !== "reject",
  }));
}

/** Whether, by a word, what the finding's label says is there. */
export function isThere(
  finding: Finding,
  word: Pick<Word, "verdict" | "label">,
): boolean {
  if (word.verdict === "reject") return !finding.is_present;
  if (word.verdict === "correct" && word.label && word.label !== finding.label) {
    return false;
  }
  return finding.is_present || word.verdict === "correct";
}

/** Whether readers disagree: on presence, or on what it is. */
export function isDisputed(
  finding: Finding,
  words: readonly Pick<Word, "verdict" | "label">[],
): boolean {
  const views = new Set(words.map((word) => isThere(finding, word)));
  const labels = new Set(words.map((word) => word.label || finding.label));
  return views.size > 1 || labels.size > 1;
}

/** A judgement of a finding with nothing but its verdict. */
export function judge(
  assessment: number,
  finding: string,
  verdict: Verdict,
  more: Partial<Judgement> = {},
): Judgement {
  return {
    assessment,
    finding,
    verdict,
    label: "",
    box: null,
    image: null,
    mask: "",
    comment: "",
    ...more,
  };
}

/** A word that is on its way, as it will be shown once it is there. */
export function expected(
  body: Judgement,
  { place, reader, before }: { place: number; reader: string; before?: Word | undefined },
): Word {
  // What a word on an added finding leaves out stands as it was.
  const kept = body.finding.startsWith(ADDED) ? before : undefined;
  return {
    ...body,
    id: Number.MAX_SAFE_INTEGER - 1_000 + place,
    finding: body.finding || `${ADDED}new${place}`,
    label: body.label || (kept?.label ?? ""),
    box: body.box ?? kept?.box ?? null,
    image: body.image ?? kept?.image ?? null,
    reader_id: null,
    reader,
    at: "",
    counts: true,
  };
}
