/**
 * The curves behind an evaluation, as a bundle or an evaluation tells them (schema
 * medlens/curves/1, docs/bundle.md). The service has checked that they hold together.
 */

/** A figure with its 95 % interval; null where there is none, and why. */
export interface Figure {
  readonly value: number | null;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly reason?: string | undefined;
  readonly method?: string | undefined;
}

export type Figures = Readonly<Record<string, Figure>>;

/** Columns of equal length, from (0, 0) to (1, 1). */
export interface Roc {
  readonly fpr: readonly number[];
  readonly tpr: readonly number[];
  /** null where nothing is called. */
  readonly threshold: readonly (number | null)[];
}

/** Columns of equal length: counts at each threshold, the smallest threshold first. */
export interface Thresholds {
  readonly threshold: readonly number[];
  readonly tp: readonly number[];
  readonly fp: readonly number[];
  readonly tn: readonly number[];
  readonly fn: readonly number[];
  readonly sensitivity_low: readonly number[];
  readonly sensitivity_high: readonly number[];
  readonly specificity_low: readonly number[];
  readonly specificity_high: readonly number[];
}

/** One bin of the reliability diagram. */
export interface Bin {
  readonly low: number;
  readonly high: number;
  readonly mean_probability: number;
  readonly observed: number;
  readonly observed_low: number | null;
  readonly observed_high: number | null;
  readonly n: number;
}

/** One label against all else. */
export interface LabelCurves {
  readonly label: string;
  readonly n_present: number;
  readonly n_absent: number;
  readonly metrics: Figures;
  readonly roc: Roc;
  readonly thresholds: Thresholds;
  readonly calibration: readonly Bin[];
}

export interface Subgroup {
  readonly column: string;
  readonly value: string;
  readonly n_cases: number;
  readonly n_patients: number;
  readonly metrics: Figures;
}

export interface Point {
  readonly label: string;
  readonly threshold: number;
  readonly rule: string;
  /** It decides. */
  readonly chosen: boolean;
  readonly metrics: Figures;
}

/** Cases by Dice in 20 bins from 0 to 1. */
export interface Spread {
  readonly counts: readonly number[];
  /** Cases that have no Dice: nothing was there, and nothing was drawn. */
  readonly undefined: number;
  readonly quartiles: readonly (number | null)[];
}

export interface MaskLabel {
  readonly label: string;
  readonly n_present: number;
  readonly n_answered: number;
  readonly metrics: Figures;
  readonly dice: Spread;
}

/** What was measured on one unit: cases, or the slices and then the series of a set. */
export interface Part {
  /** "cases", "slices", "series", …: what is counted. */
  readonly of: string;
  readonly n_cases: number;
  readonly n_patients: number;
  readonly unit: string;
  readonly metrics: Figures;
  readonly subgroups: readonly Subgroup[];
  /** Labels without curves: all cases have it, none has, or there are too many. */
  readonly left_out: readonly string[];
  readonly confusion: { labels: readonly string[]; counts: readonly number[][] } | null;
  readonly labels: readonly LabelCurves[];
  readonly operating_points: readonly Point[];
  readonly masks: readonly MaskLabel[];
  readonly dice: Spread | null;
}

/** The document: what was measured, on which split. */
export interface Curves {
  readonly split: string;
  readonly form: string;
  readonly parts: readonly Partial<Part>[];
}

/** The parts of a document; none where a bundle or an evaluation has no curves. */
export function partsOf(curves: Curves | null | undefined): readonly Part[] {
  return (curves?.parts ?? []).map(partOf);
}

const NOTHING: Part = {
  of: "cases",
  n_cases: 0,
  n_patients: 0,
  unit: "",
  metrics: {},
  subgroups: [],
  left_out: [],
  confusion: null,
  labels: [],
  operating_points: [],
  masks: [],
  dice: null,
};

/** A part whose missing lists are empty ones: masks have no ROC, cases no Dice. */
function partOf(told: Partial<Part>): Part {
  const given = Object.entries(told).filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return { ...NOTHING, ...(Object.fromEntries(given) as Partial<Part>) };
}

/** The operating point that decides for a label, else the first one of it. */
export function pointOf(part: Part, label: string): Point | undefined {
  const of = part.operating_points.filter((each) => each.label === label);
  return of.find((each) => each.chosen) ?? of[0];
}
