/** In which order a reader walks through findings. */

import type { Advice, Diagnosis, Finding } from "./diagnosis";
import { findingKey } from "./diagnosis";

/** A finding with its place in the result. */
export interface Placed {
  readonly key: string;
  readonly assessment: number;
  readonly finding: Finding;
}

/** Findings of an assessment: those that are present first, then by probability. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort(
    (a, b) =>
      Number(b.is_present) - Number(a.is_present) ||
      (b.probability ?? -1) - (a.probability ?? -1),
  );
}

const RANKS: readonly Advice[] = [
  "refer",
  "unsure",
  "measured",
  "nothing_found",
  "outside",
  "not_assessable",
];

/** Indices of the assessments as a reader wants them: what should be looked at first. */
export function ranked(diagnosis: Diagnosis): readonly number[] {
  const rank = (at: number) =>
    RANKS.indexOf(diagnosis.assessments[at]?.advice ?? "not_assessable");
  return diagnosis.assessments
    .map((_, at) => at)
    .sort((a, b) => rank(a) - rank(b) || a - b);
}

/**
 * Every finding of a result in the order of the panel: all present ones first.
 *
 * @param opened assessments of images that are unlike the training images, into which a
 *   reader looks all the same; the findings of others are no stop on the way.
 */
export function walk(
  diagnosis: Diagnosis,
  opened: ReadonlySet<number> = new Set(),
): readonly Placed[] {
  const all = ranked(diagnosis).flatMap((assessment) => {
    const each = diagnosis.assessments[assessment];
    if (!each || (each.advice === "outside" && !opened.has(assessment))) return [];
    return inOrder(each.findings).map((finding) => ({
      key: findingKey(assessment, finding.id),
      assessment,
      finding,
    }));
  });
  return [
    ...all.filter((each) => each.finding.is_present),
    ...all.filter((each) => !each.finding.is_present),
  ];
}

/** The key `step` places after another one, around the ends; the first one of none. */
export function stepFrom(
  keys: readonly string[],
  key: string | null,
  step: number,
): string | null {
  if (keys.length === 0) return null;
  const at = key === null ? -1 : keys.indexOf(key);
  if (at < 0) return (step > 0 ? keys[0] : keys.at(-1)) ?? null;
  return keys[(at + step + keys.length) % keys.length] ?? null;
}

/**
 * The assessment to which a reader adds a finding that was missed: that of the picked
 * one, else the first in the panel's order that looked at images.
 */
export function addedWhere(diagnosis: Diagnosis, picked: string | null): number | null {
  const at = Number(picked?.split("/")[0] ?? Number.NaN);
  const hasImages = (each: number) =>
    (diagnosis.assessments[each]?.images.length ?? 0) > 0;
  if (Number.isInteger(at) && hasImages(at)) return at;
  return ranked(diagnosis).find(hasImages) ?? null;
}

/** Counted from 1, neighbours drawn together: [9, 10, 11, 20] → "10–12, 21". */
export function sliceRanges(slices: readonly number[], comma = ", "): string {
  const sorted = [...new Set(slices)].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const slice of sorted) {
    const last = runs.at(-1);
    if (last && slice === last[1] + 1) last[1] = slice;
    else runs.push([slice, slice]);
  }
  return runs
    .map(([first, last]) =>
      first === last ? `${first + 1}` : `${first + 1}–${last + 1}`,
    )
    .join(comma);
}
