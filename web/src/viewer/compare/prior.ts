/** Earlier studies of the same patient, and what of them lies beside the one that is read. */

import type { components } from "~/core/api/schema";
import {
  hasImages,
  type SeriesLine,
  shownSeries,
  type WholeStudy,
} from "~/viewer/load/study";
import { type Desk, layOut, openIn } from "~/viewer/stack/desk";

export type StudyLine = components["schemas"]["StudyView"];

/** Studies to compare with, the newest earlier one first, then the other earlier ones. */
export function inProposedOrder(
  read: Pick<WholeStudy, "id" | "study_date">,
  others: readonly StudyLine[],
): readonly StudyLine[] {
  return others
    .filter(({ id }) => id !== read.id)
    .sort(
      (a, b) =>
        Number(isLater(read, a)) - Number(isLater(read, b)) ||
        (b.study_date ?? "").localeCompare(a.study_date ?? "") ||
        b.id - a.id,
    );
}

/** Whether a study was made after the one that is read. */
export function isLater(
  read: Pick<WholeStudy, "study_date">,
  { study_date }: StudyLine,
): boolean {
  return (study_date ?? "") > (read.study_date ?? "9999");
}

/** The first of them if it is not later than the study that is read. */
export function proposed(
  read: Pick<WholeStudy, "id" | "study_date">,
  ordered: readonly StudyLine[],
): StudyLine | null {
  const [first] = ordered;
  if (!first?.study_date || !read.study_date) return null;
  return first.study_date <= read.study_date ? first : null;
}

/** The series of another study that is most like one: modality, description, length. */
export function seriesLike(
  study: WholeStudy,
  series: SeriesLine | null,
): SeriesLine | null {
  const all = shownSeries(study).filter(hasImages);
  const score = (each: SeriesLine) =>
    series === null
      ? 0
      : 4 * Number(each.modality === series.modality) +
        2 * Number(each.description !== "" && each.description === series.description) +
        1 / (1 + Math.abs(each.instance_count - series.instance_count));
  return all.reduce<SeriesLine | null>(
    (best, each) => (best === null || score(each) > score(best) ? each : best),
    null,
  );
}

/** Put another study beside the one that is read. */
export function layBeside(desk: Desk, prior: WholeStudy): void {
  desk.prior.value = prior;
  if (desk.panes.peek().length === 1) layOut(desk, [1, 2]);
  const [read, beside] = desk.panes.peek();
  const series = seriesLike(prior, read?.series.peek() ?? null);
  if (beside && series) openIn(beside, prior, series);
}

/** Series of the study that no pane shows yet go into the empty panes. */
export function fillPanes(desk: Desk): void {
  const study = desk.study.peek();
  if (!study) return;
  const open = new Set(desk.panes.peek().map((pane) => pane.series.peek()?.id));
  const waiting = shownSeries(study).filter(
    (series) => hasImages(series) && !open.has(series.id),
  );
  for (const pane of desk.panes.peek()) {
    const next = pane.series.peek() ? undefined : waiting.shift();
    if (next) openIn(pane, study, next);
  }
}

/** Whether two studies are of one patient, as far as their Patient IDs tell. */
export function samePatient(
  a: Pick<WholeStudy, "patient">,
  b: Pick<WholeStudy, "patient">,
): "same" | "otherPatient" | "unsurePatient" | "otherBirth" {
  if (!a.patient.id || !b.patient.id) return "unsurePatient";
  if (a.patient.id !== b.patient.id) return "otherPatient";
  const [born, bornToo] = [a.patient.birth_date, b.patient.birth_date];
  return born && bornToo && born !== bornToo ? "otherBirth" : "same";
}
