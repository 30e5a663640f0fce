/** Figures and sentences of a finding, in the language of the page. */

import { number } from "~/core/text/format";
import { lang } from "~/core/text/lang";
import type { Finding, Quantity, Result } from "./diagnosis";
import { sliceRanges } from "./order";
import { t } from "./texts";

/** A label's name for people; the label itself where nothing is known of it. */
export function nameOf(result: Result | null, label: string): string {
  return result?.names[label]?.[lang.value] ?? label;
}

/** A reason, note or rule in the language of the page. */
export function phraseOf(result: Result, text: string): string {
  return result.phrases[text]?.[lang.value] ?? text;
}

const MOST_PLACES = 12;

/** Four significant figures at most, without trailing zeros: 12.30 → "12.3". */
export function figure(value: number): string {
  const places = value === 0 ? 0 : 3 - Math.floor(Math.log10(Math.abs(value)));
  const digits = Math.min(MOST_PLACES, Math.max(0, places));
  const text = number(value, digits);
  return digits > 0 ? text.replace(/\.?0+$/, "") : text;
}

const MOST_DIGITS = 6; // behind the point

/**
 * A probability in percent as reports and DICOM objects say it: with one digit, with more
 * where that tells it from its operating point, and never as 0 or 100.
 *
 * @param beside what it is read against, such as its operating point.
 */
export function shareOf(share: number, beside: number | null = null): string {
  const edges = [
    [(each: number) => each < 0.0005, `< ${number(0.1, 1)} %`],
    [(each: number) => each >= 0.9995, `> ${number(99.9, 1)} %`],
  ] as const;
  for (const [isNear, shown] of edges) {
    if (!isNear(share)) continue;
    const isApart = beside === null || beside === share || !isNear(beside);
    return isApart ? shown : `${number(100 * share, 4)} %`;
  }
  for (let digits = 1; digits < MOST_DIGITS; digits += 1) {
    const shown = number(100 * share, digits);
    const isTold = beside === null || beside === share;
    if (isTold || shown !== number(100 * beside, digits)) return `${shown} %`;
  }
  return `${number(100 * share, MOST_DIGITS)} %`;
}

const UNITS: Readonly<Record<string, string>> = { mm: "mm", ml: "ml", mm2: "mm²" };

/** "longest diameter 23.4 mm". */
export function sizeOf(quantity: Quantity): string {
  return `${t(quantity.kind)} ${amountOf(quantity)}`;
}

/** "23.4 mm"; without spacing in pixels, of a volume voxels. */
export function amountOf(quantity: Quantity): string {
  const unit =
    UNITS[quantity.unit] ??
    (quantity.unit !== "{pixels}"
      ? quantity.unit
      : t(quantity.kind === "volume" ? "voxels" : "pixels"));
  return `${figure(quantity.value)} ${unit}`;
}

/** The change against the prior study as one line. */
export function changeOf(finding: Finding): string {
  const { change } = finding;
  if (!change) return "";
  const parts: string[] = [t(`trend_${trendOf(finding)}`)];
  if (change.before) parts.push(t("before", { size: sizeOf(change.before) }));
  if (change.prior_probability !== null) {
    const value = shareOf(change.prior_probability, finding.probability);
    parts.push(t("probabilityBefore", { value }));
  }
  if (change.days !== null) parts.push(t("daysBefore", { days: change.days }));
  return parts.join(t("comma"));
}

/** A finding that stays without a size is "still there", or "as before, not found". */
function trendOf(finding: Finding) {
  const trend = finding.change?.trend ?? "uncertain";
  if (trend !== "stable" || finding.change?.before) return trend;
  return finding.is_present ? "stablePresent" : "stableAbsent";
}

/** Where it is: side and slices. */
export function placeOf(finding: Finding, count: number): string {
  const parts: string[] = [];
  const { laterality, slice_index: best } = finding.place;
  if (laterality) parts.push(t(`side_${laterality}`));
  if (finding.slices.length > 0 && count > 1) {
    parts.push(t("onSlices", { slices: sliceRanges(finding.slices, t("listComma")) }));
  }
  if (best !== null && count > 1) {
    parts.push(t("bestSlice", { slice: best + 1, count }));
  }
  return parts.join(t("comma"));
}
