/** How a finding and an assessment stand, in one word. */

import type { Assessment, Finding } from "./diagnosis";

export type Status = "present" | "unsure" | "absent" | "measured";

/** Of a finding; open where the prediction set leaves it open. */
export function statusOf(assessment: Assessment, finding: Finding): Status {
  if (assessment.advice === "measured") return finding.is_present ? "measured" : "absent";
  const isOpen =
    assessment.advice === "unsure" && assessment.prediction_set.includes(finding.label);
  if (isOpen) return "unsure";
  return finding.is_present ? "present" : "absent";
}

/** Findings that stand open, and those that are folded away: nothing of them is there. */
export function fold(
  assessment: Assessment,
  findings: readonly Finding[],
): { readonly open: readonly Finding[]; readonly folded: readonly Finding[] } {
  const isFolded = (finding: Finding) => statusOf(assessment, finding) === "absent";
  const folded = findings.filter(isFolded);
  // One line need not be folded, least of all the only one.
  if (folded.length < 2) return { open: findings, folded: [] };
  return { open: findings.filter((each) => !isFolded(each)), folded };
}
