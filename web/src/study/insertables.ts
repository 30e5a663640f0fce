/** What can be put into a report: what was measured, and what was found. */

import type { Reading } from "~/findings/reading";
import { statusOf } from "~/findings/status";
import { isThere, wordsOn } from "~/findings/verdicts";
import { nameOf, shareOf, sizeOf } from "~/findings/words";
import type { Insertable } from "~/report/insert_menu";
import type { Stage } from "~/viewer/stage";
import { t } from "./texts";

/** Measurements first; of findings those that are there by the newest word. */
export function insertablesOf(stage: Stage, reading: Reading): readonly Insertable[] {
  return [...measured(stage), ...found(reading)];
}

/** Each with what, how large and where; all of them at once are a line each. */
function measured(stage: Stage): readonly Insertable[] {
  const kind = "measured" as const;
  const each = stage.measured.value.map(({ id, line }) => ({ id, kind, text: line }));
  if (each.length < 2) return each;
  const text = each.map((one) => one.text).join("\n");
  return [
    { id: "all", kind, text, label: t("allMeasured", { n: each.length }) },
    ...each,
  ];
}

function found(reading: Reading): readonly Insertable[] {
  const result = reading.result.value;
  if (!result) return [];
  return reading.placed.value.flatMap(({ key, assessment: at, finding }) => {
    const assessment = result.diagnosis.assessments[at];
    const [word] = wordsOn(reading.words.value, key);
    if (!assessment || assessment.advice === "outside") return [];
    const isHere = word ? isThere(finding, word) : finding.is_present;
    const isOther = word?.verdict === "correct" && word.label !== "";
    if (!isHere && !isOther) return [];
    const name = nameOf(result, isOther ? word.label : finding.label);
    const facts = isOther ? [] : finding.quantities.map(sizeOf);
    // A probability is the model's and stands in no sentence of a reader who judged it.
    if (!word && finding.probability !== null && facts.length === 0) {
      facts.push(shareOf(finding.probability, finding.threshold));
    }
    if (statusOf(assessment, finding) === "unsure" && !word) return [];
    const text =
      facts.length === 0 ? name : t("finding", { name, text: facts.join(", ") });
    return [{ id: key, kind: "found" as const, text }];
  });
}
