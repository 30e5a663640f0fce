/** What is asked for in the worklist: filters, as the address and as the API write them. */

import type { components, operations } from "./api/schema";

type Asked = NonNullable<
  operations["list_studies_api_v1_studies_get"]["parameters"]["query"]
>;

export const ORDERS = ["urgent", "newest"] as const;
export const STATES = [
  "receiving",
  "ready",
  "running",
  "answered",
  "refused",
  "failed",
] as const;
export const READINGS = ["unread", "begun", "signed"] as const;
/** What results advise (docs/diagnosis.md), what a reader should see first. */
export const ADVICES = [
  "refer",
  "outside",
  "unsure",
  "not_assessable",
  "measured",
  "nothing_found",
] as const satisfies readonly Advice[];
/** Spans that end today, in days; 0 is any time. */
export const SPANS = [0, 1, 7, 30] as const;

export type Order = (typeof ORDERS)[number];
export type State = (typeof STATES)[number];
export type Reading = (typeof READINGS)[number];
export type Span = (typeof SPANS)[number];
export type Advice = components["schemas"]["HeadlineView"]["advice"];

/** Everything that the list is narrowed and ordered by. */
export interface Filters {
  readonly order: Order;
  readonly state: readonly State[];
  readonly reading: readonly Reading[];
  /** Of the newest result; [] is any, or none yet. */
  readonly advice: readonly Advice[];
  /** "" is any. */
  readonly modality: string;
  /** The last so many days; else the dates `from` and `to`. */
  readonly days: Span;
  /** YYYY-MM-DD or "". */
  readonly from: string;
  readonly to: string;
  /** Part of a name or description, beginning of a number. */
  readonly text: string;
}

export const NO_FILTERS: Filters = {
  order: "urgent",
  state: [],
  reading: [],
  advice: [],
  modality: "",
  days: 0,
  from: "",
  to: "",
  text: "",
};

const DAY = /^\d{4}-\d\d-\d\d$/;
const LONGEST_TEXT = 64;

/** The filters of an address; what is not known in it counts as not there. */
export function readFilters(query: URLSearchParams): Filters {
  const one = (name: string) => query.get(name) ?? "";
  const dayOf = (name: string) => (DAY.test(one(name)) ? one(name) : "");
  return {
    order: known(ORDERS, one("order")) ?? NO_FILTERS.order,
    state: STATES.filter((each) => query.getAll("state").includes(each)),
    reading: READINGS.filter((each) => query.getAll("reading").includes(each)),
    advice: ADVICES.filter((each) => query.getAll("advice").includes(each)),
    modality: /^[A-Z0-9_ ]{1,16}$/.test(one("modality")) ? one("modality") : "",
    days: SPANS.find((each) => String(each) === one("days")) ?? 0,
    from: dayOf("from"),
    to: dayOf("to"),
    text: one("text").slice(0, LONGEST_TEXT),
  };
}

function known<T extends string>(words: readonly T[], word: string): T | undefined {
  return words.find((each) => each === word);
}

/**
 * The address of filters; the same filters have the same address.
 *
 * @param at the worklist, or a study that is opened out of it: its address says which
 *   list it was opened out of.
 */
export function addressOf(filters: Filters, at = "/"): string {
  const query = new URLSearchParams();
  if (filters.order !== NO_FILTERS.order) query.set("order", filters.order);
  for (const each of filters.state) query.append("state", each);
  for (const each of filters.reading) query.append("reading", each);
  for (const each of filters.advice) query.append("advice", each);
  if (filters.modality) query.set("modality", filters.modality);
  if (filters.days) query.set("days", String(filters.days));
  if (filters.from) query.set("from", filters.from);
  if (filters.to) query.set("to", filters.to);
  if (filters.text) query.set("text", filters.text);
  const text = query.toString();
  return text ? `${at}?${text}` : at;
}

/**
 * The filters as the API takes them.
 *
 * @param today YYYY-MM-DD, from which spans of days are counted back.
 */
export function askedOf(filters: Filters, today: string): Asked {
  const from = filters.days ? daysBefore(today, filters.days - 1) : filters.from;
  const to = filters.days ? "" : filters.to;
  return {
    order: filters.order,
    ...(filters.state.length > 0 && { state: [...filters.state] }),
    ...(filters.reading.length > 0 && { reading: [...filters.reading] }),
    ...(filters.advice.length > 0 && { advice: [...filters.advice] }),
    ...(filters.modality && { modality: filters.modality }),
    ...(from && { date_from: from }),
    ...(to && { date_to: to }),
    ...(filters.text.trim() && { text: filters.text.trim() }),
  };
}

/** Today where the reader sits, YYYY-MM-DD. */
export function today(now = new Date()): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function daysBefore(day: string, count: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - count);
  return date.toISOString().slice(0, 10);
}

/** How many filters narrow the list; the order is none. */
export function countFilters(filters: Filters): number {
  const hasDates = filters.days > 0 || filters.from !== "" || filters.to !== "";
  return (
    filters.state.length +
    filters.reading.length +
    filters.advice.length +
    [filters.modality, hasDates, filters.text.trim()].filter(Boolean).length
  );
}

/** The words with one of them put in, or taken out where it was in. */
export function toggled<T>(words: readonly T[], word: T): readonly T[] {
  return words.includes(word) ? words.filter((each) => each !== word) : [...words, word];
}
