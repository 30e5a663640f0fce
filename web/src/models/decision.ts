/**
 * Net benefit: what deciding by a model gains, with false alarms weighed against cases
 * that are found (Vickers and Elkin, Med Decis Making 2006;26:565).
 */

import type { Figure, Thresholds } from "./told";

/** What three ways to decide gain at one threshold, in found cases per 100. */
export interface Benefit {
  readonly threshold: number;
  /** Calling what the model puts at or above the threshold. */
  readonly model: Figure;
  /** Calling everybody; calling nobody gains 0. */
  readonly everybody: number;
}

const [LOWEST, HIGHEST, WIDEST_GAP] = [0.01, 0.99, 0.01];

/**
 * Net benefit at thresholds from 1 % to 99 %.
 *
 * Who acts from a probability t on takes (1 − t) / t false alarms for one case that is
 * found: at 20 % four. Of n cases the net benefit is TP/n − FP/n · t / (1 − t).
 *
 * @param table counts at thresholds: there it is exact. In the gaps between it is told at
 * every per cent with the counts of the row above, which leave out the case or two that
 * a table of 200 rows has no room for.
 */
export function benefitsOf(table: Thresholds): readonly Benefit[] {
  return table.threshold.flatMap((upper, row) => {
    const lower = table.threshold[row - 1] ?? 0;
    const between = perCents().filter(
      (each) => each > lower + WIDEST_GAP / 2 && each < upper - WIDEST_GAP / 2,
    );
    return [...between, upper]
      .filter((each) => each >= LOWEST && each <= HIGHEST)
      .map((each) => benefitAt(table, row, each));
  });
}

function perCents(): readonly number[] {
  return Array.from({ length: 99 }, (_, at) => (at + 1) / 100);
}

function benefitAt(table: Thresholds, row: number, threshold: number): Benefit {
  const of = (name: keyof Thresholds) => table[name][row] ?? 0;
  const [present, absent] = [of("tp") + of("fn"), of("fp") + of("tn")];
  const prevalence = present / Math.max(1, present + absent);
  const cost = (1 - prevalence) * (threshold / (1 - threshold));
  const found = shareOf(of("tp"), present, of("sensitivity_low"), of("sensitivity_high"));
  const wrong = shareOf(
    of("fp"),
    absent,
    1 - of("specificity_high"),
    1 - of("specificity_low"),
  );
  return {
    threshold,
    model: difference(found, 100 * prevalence, wrong, 100 * cost),
    everybody: 100 * (prevalence - cost),
  };
}

interface Share {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

function shareOf(count: number, all: number, low: number, high: number): Share {
  return { value: count / Math.max(1, all), low, high };
}

/**
 * a · one − b · other, the two measured on different cases; the prevalence is taken as
 * known. The interval is put together by MOVER (Zou and Donner, Stat Med 2008;27:1693).
 */
function difference(one: Share, a: number, other: Share, b: number): Figure {
  const value = a * one.value - b * other.value;
  const below = Math.hypot(a * (one.value - one.low), b * (other.high - other.value));
  const above = Math.hypot(a * (one.high - one.value), b * (other.value - other.low));
  return { value, low: value - below, high: value + above };
}

/**
 * The longest stretch of thresholds on which the model gains more than both plain ways;
 * null where it nowhere does.
 */
export function usefulBetween(benefits: readonly Benefit[]): [number, number] | null {
  const stretches = stretchesOf(
    benefits,
    ({ model, everybody }) => (model.value ?? 0) > Math.max(0, everybody) + 1e-9,
  );
  // Rows lie close where many cases do: their count says nothing of how far they reach.
  const ends = stretches.map((each): [number, number] => [
    each[0]?.threshold ?? 0,
    each.at(-1)?.threshold ?? 0,
  ]);
  return (
    ends.toSorted((one, other) => other[1] - other[0] - (one[1] - one[0]))[0] ?? null
  );
}

/** Neighbours of a row for which something holds, stretch by stretch. */
export function stretchesOf<T>(of: readonly T[], holds: (each: T) => boolean): T[][] {
  const found: T[][] = [];
  let isOpen = false;
  for (const each of of) {
    if (!holds(each)) isOpen = false;
    else if (isOpen) found.at(-1)?.push(each);
    else {
      found.push([each]);
      isOpen = true;
    }
  }
  return found;
}
