/** Months as the service names them: "2026-11", in UTC. */

import { lang } from "~/core/text/lang";

/** The last months, the oldest first, this one included. */
export function lastMonths(count: number, now: Date = new Date()): readonly string[] {
  const last = now.getUTCFullYear() * 12 + now.getUTCMonth();
  return Array.from({ length: count }, (_, at) => named(last - (count - 1 - at)));
}

function named(months: number): string {
  const month = String((months % 12) + 1).padStart(2, "0");
  return `${Math.floor(months / 12)}-${month}`;
}

/** "Nov" of "2026-11", in the language of the page. */
export function monthName(month: string): string {
  const locale = lang.value === "zh" ? "zh-CN" : "en-GB";
  const words = new Intl.DateTimeFormat(locale, { month: "short", timeZone: "UTC" });
  return words.format(new Date(`${month}-01T00:00:00Z`));
}

/** Years to write under the months: of the first one, and of each January. */
export function yearAt(months: readonly string[], at: number): string {
  const month = months[at] ?? "";
  return at === 0 || month.endsWith("-01") ? month.slice(0, 4) : "";
}

/** The sites that something tells of, named ones first, in their order. */
export function sitesOf(
  ...told: readonly (readonly { site: string }[])[]
): readonly string[] {
  const names = [...new Set(told.flat().map(({ site }) => site))].sort();
  return [...names.filter(Boolean), ...names.filter((name) => !name)];
}
