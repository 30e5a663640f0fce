/** Dates, numbers and names as people read them, in the language of the page. */

import { lang } from "./lang";

const LOCALES = { en: "en-GB", zh: "zh-CN" } as const;

function locale(): string {
  return LOCALES[lang.value];
}

/** "12 Mar 2026" of an ISO date or moment; "" of nothing. */
export function day(iso: string | null | undefined): string {
  const date = iso ? new Date(iso.length === 10 ? `${iso}T00:00:00` : iso) : null;
  if (!date || Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(date);
}

/** "12 Mar 2026, 14:05" of an ISO moment. */
export function moment(iso: string | null | undefined): string {
  const date = iso ? new Date(iso) : null;
  if (!date || Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(locale(), {
    dateStyle: "medium",
    timeStyle: "short",
  }).format(date);
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** "5 minutes ago"; where there is little room "5 min ago". */
export function ago(
  iso: string,
  { now = Date.now(), isShort = false }: { now?: number; isShort?: boolean } = {},
): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const style = isShort ? "short" : "long";
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style });
  const step = STEPS.find(([, length]) => Math.abs(seconds) >= length);
  const [unit, size] = step ?? (["second", 1] as const);
  return words.format(Math.trunc(seconds / size), unit);
}

/** 0.931 → "93.1 %"; a probability that rounds to all or nothing says so honestly. */
export function percent(share: number, digits = 1): string {
  const edge = 10 ** -digits;
  const value = 100 * share;
  if (share > 0 && value < edge) return `< ${number(edge, digits)} %`;
  if (share < 1 && value > 100 - edge) return `> ${number(100 - edge, digits)} %`;
  return `${number(value, digits)} %`;
}

/** A number with a fixed count of decimals. */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale(), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);
}

/** 1,536,000 → "1.5 MB". */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, at] = [count, 0];
  while (value >= 1000 && at < units.length - 1) [value, at] = [value / 1000, at + 1];
  return `${number(value, at > 0 && value < 10 ? 1 : 0)} ${units[at]}`;
}

/**
 * A DICOM person name as people write it (PS3.5 6.2.1.2): "Doe^Jane" → "Doe, Jane";
 * of several groups the ideographic one where the page is Chinese, else the first.
 */
export function personName(value: string): string {
  const groups = value.split("=").map(readable);
  const [alphabetic = "", ideographic = ""] = groups;
  if (lang.value === "zh" && ideographic) return ideographic.replaceAll(", ", "");
  return alphabetic || ideographic || groups.find(Boolean) || "";
}

function readable(group: string): string {
  const [family = "", given = "", middle = "", prefix = "", suffix = ""] = group
    .split("^")
    .map((part) => part.trim());
  const rest = [prefix, given, middle].filter(Boolean).join(" ");
  return [family, rest, suffix].filter(Boolean).join(", ");
}

/** Age in whole years at a study, "" where a date is missing. */
export function ageAt(birth: string | null, study: string | null): string {
  if (!birth || !study) return "";
  const [b, s] = [new Date(birth), new Date(study)];
  let years = s.getFullYear() - b.getFullYear();
  const hadBirthday =
    s.getMonth() > b.getMonth() ||
    (s.getMonth() === b.getMonth() && s.getDate() >= b.getDate());
  if (!hadBirthday) years -= 1;
  return years >= 0 && years < 150 ? String(years) : "";
}
