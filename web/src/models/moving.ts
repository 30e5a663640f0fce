/**
 * What a threshold does, and what it would do where another share of patients is ill.
 * Counts are those of the evaluation; shares carry the evaluation's own intervals.
 */

import type { Figure, Thresholds } from "./told";

/** What one threshold does. */
export interface Moved {
  readonly threshold: number;
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
  readonly sensitivity: Figure;
  readonly specificity: Figure;
  /** At the stated prevalence. */
  readonly ppv: Figure;
  readonly npv: Figure;
  /** Of 100 studies at the stated prevalence: called positive, and of these wrongly. */
  readonly alarms: number;
  readonly falseAlarms: number;
  /** Of 100 studies at the stated prevalence: there, and not called. */
  readonly missed: number;
}

/**
 * What a row of the table does.
 *
 * @param prevalence above 0 and below 1; taken as known.
 */
export function movedTo(table: Thresholds, row: number, prevalence: number): Moved {
  const of = (name: keyof Thresholds) => table[name][row] ?? 0;
  const [tp, fp, tn, fn] = [of("tp"), of("fp"), of("tn"), of("fn")];
  const sensitivity: Figure = {
    value: tp / (tp + fn),
    low: of("sensitivity_low"),
    high: of("sensitivity_high"),
  };
  const specificity: Figure = {
    value: tn / (tn + fp),
    low: of("specificity_low"),
    high: of("specificity_high"),
  };
  const odds = prevalence / (1 - prevalence);
  const hits = 100 * prevalence * (tp / (tp + fn));
  const falseAlarms = 100 * (1 - prevalence) * (fp / (tn + fp));
  return {
    threshold: of("threshold"),
    tp,
    fp,
    tn,
    fn,
    sensitivity,
    specificity,
    ppv: predictive(sensitivity, complement(specificity), odds),
    npv: predictive(specificity, complement(sensitivity), 1 / odds),
    alarms: hits + falseAlarms,
    falseAlarms,
    missed: 100 * prevalence - hits,
  };
}

/** The row whose threshold is nearest. */
export function rowAt(table: Thresholds, threshold: number): number {
  let best = 0;
  table.threshold.forEach((each, row) => {
    const nearest = table.threshold[best] ?? 0;
    if (Math.abs(each - threshold) < Math.abs(nearest - threshold)) best = row;
  });
  return best;
}

/** Share of the evaluated cases that have the label, held within what can be set. */
export function ownPrevalence(present: number, absent: number): number {
  return Math.min(0.99, Math.max(0.001, present / Math.max(1, present + absent)));
}

function complement(share: Figure): Figure {
  const turned = (end: number | null | undefined) => (end == null ? null : 1 - end);
  return {
    value: turned(share.value),
    low: turned(share.high),
    high: turned(share.low),
  };
}

/**
 * A predictive value by Bayes' rule. The interval of the likelihood ratio is put
 * together on the log scale (MOVER; Zou and Donner, Stat Med 2008;27:1693).
 *
 * @param right share that is rightly called, `wrong` the one that is wrongly called.
 */
function predictive(right: Figure, wrong: Figure, odds: number): Figure {
  const [a, aLow, aHigh] = ends(right);
  const [b, bLow, bHigh] = ends(wrong);
  if (a === 0 && b === 0) return { value: null, low: null, high: null };
  let [low, high] = [quotient(aLow, bHigh), quotient(aHigh, bLow)];
  if (Math.min(a, aLow, b, bLow) > 0) {
    const centre = Math.log(a / b);
    low = Math.exp(centre - Math.hypot(Math.log(a / aLow), Math.log(bHigh / b)));
    high = Math.exp(centre + Math.hypot(Math.log(aHigh / a), Math.log(b / bLow)));
  }
  return {
    value: shareOf(odds * quotient(a, b)),
    low: shareOf(odds * low),
    high: shareOf(odds * high),
  };
}

function ends(figure: Figure): [number, number, number] {
  return [figure.value ?? 0, figure.low ?? 0, figure.high ?? 0];
}

function quotient(above: number, below: number): number {
  return below > 0 ? above / below : Number.POSITIVE_INFINITY;
}

function shareOf(odds: number): number {
  return Number.isFinite(odds) ? odds / (1 + odds) : 1;
}
