/** Reading the report of a look for drift (docs/monitor.md), of whatever age it is. */

import type { Figure } from "./told";

type Report = Readonly<Record<string, unknown>>;

/** One feature with its medians before and now. */
export interface Feature {
  readonly name: string;
  readonly before: string;
  readonly now: string;
}

/** The p value and the most changed features of a family; null where it was not tested. */
export function featuresOf(
  report: Report,
  family: "answers" | "images",
): { p: string; features: readonly Feature[] } | null {
  const told = report[family] as
    | { p_value?: number; features?: readonly Record<string, unknown>[] }
    | undefined;
  if (!told || typeof told.p_value !== "number") return null;
  const features = (told.features ?? []).map((each) => ({
    name: String(each["name"] ?? ""),
    before: brief(each["before"]),
    now: brief(each["now"]),
  }));
  return {
    p: told.p_value < 0.001 ? "< 0.001" : `= ${told.p_value.toFixed(3)}`,
    features,
  };
}

/** A share of a look with its interval. */
export function shareOf(report: Report, name: "outside" | "positive"): Figure {
  const told = report[name] as Figure | undefined;
  return told && typeof told === "object" ? told : { value: null };
}

/** Patients of a look, "–" where it holds none. */
export function patientsOf(report: Report): string {
  // In a whole report `answers` is the family of that name and no count any more.
  const told = report["positive"] as { n?: number } | undefined;
  const count = typeof report["answers"] === "number" ? report["answers"] : told?.n;
  return count === undefined ? "–" : String(count);
}

function brief(value: unknown): string {
  return typeof value === "number" ? String(Number(value.toPrecision(3))) : "–";
}
