/** Saying something of findings: what buttons and keys share. */

import type { Reading } from "./reading";
import { statusOf } from "./status";
import { ADDED, judge, type Verdict, wordsOn } from "./verdicts";

/** Where is kept what was typed or drawn and not yet said of a finding of the result shown. */
export function draftKeyOf(
  { study, result }: Pick<Reading, "study" | "result">,
  kind: "label" | "box" | "comment",
  key: string,
): string {
  // Findings of two results may have one key, and are not of the same thing.
  return `${kind}/${study}/${result.value?.id ?? 0}/${key}`;
}

/** Say a verdict on a finding. */
export function sayOf(
  reading: Reading,
  key: string,
  verdict: Verdict,
  comment = "",
): void {
  const [at = "", finding = ""] = key.split("/");
  reading.say(judge(Number(at), finding, verdict, { comment }));
}

/**
 * Accept every finding of which nobody spoke yet, as it stands.
 *
 * @returns how many these were.
 */
export function acceptRest(reading: Reading): number {
  const left = unjudged(reading);
  for (const key of left) sayOf(reading, key, "accept");
  return left.length;
}

/** Keys of findings of which nobody spoke yet; none of images that no model knows. */
export function unjudged(reading: Reading): readonly string[] {
  const assessments = reading.result.value?.diagnosis.assessments ?? [];
  return reading.placed.value
    .filter(({ key, assessment }) => {
      const of = assessments[assessment];
      const isTrusted = of !== undefined && of.advice !== "outside";
      return isTrusted && wordsOn(reading.words.value, key).length === 0;
    })
    .map(({ key }) => key);
}

/** What a screen reader hears of the finding that is picked now. */
export function spoken(
  reading: Reading,
  say: { nameOf: (label: string) => string; statusText: (status: string) => string },
): string {
  const picked = reading.selected.value ?? "";
  if (isAddedKey(picked)) {
    const [newest] = wordsOn(reading.words.value, picked);
    return newest ? `${say.nameOf(newest.label)}: ${say.statusText("present")}` : "";
  }
  const now = reading.placed.value.find(({ key }) => key === picked);
  const assessment = reading.result.value?.diagnosis.assessments[now?.assessment ?? -1];
  if (!now || !assessment) return "";
  const status = say.statusText(statusOf(assessment, now.finding));
  return `${say.nameOf(now.finding.label)}: ${status}`;
}

/** Whether a key is that of a finding which a reader added. */
export function isAddedKey(key: string): boolean {
  return key.includes(`/${ADDED}`);
}
