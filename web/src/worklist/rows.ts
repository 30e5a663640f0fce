/** The lines of the list and their order, as they come, change and go. */

import type { components } from "~/core/api/schema";
import type { Order } from "~/core/filters";

/** One line. */
export type Study = components["schemas"]["StudyView"];

/** Lines that are there, and where the next page begins. */
export interface Lines {
  readonly studies: readonly Study[];
  /** null where the list is whole. */
  readonly next: string | null;
}

/** Below 0 where `a` stands before `b`: as the service orders its pages. */
export function compare(a: Study, b: Study, order: Order): number {
  const byOrder =
    order === "urgent" ? b.urgency - a.urgency : later(a.began_at, b.began_at);
  return byOrder || later(a.last_at, b.last_at) || b.id - a.id;
}

/** Above 0 where moment `b` is later than `a`; they may have any number of digits. */
function later(a: string, b: string): number {
  return Date.parse(b) - Date.parse(a);
}

/** The lines with one more page behind them. */
export function append(lines: Lines, page: Lines): Lines {
  const known = new Set(lines.studies.map((each) => each.id));
  const added = page.studies.filter((each) => !known.has(each.id));
  return { studies: [...patch(lines, page.studies).studies, ...added], next: page.next };
}

/** The lines with newer words of those that are there; none moves. */
export function patch(lines: Lines, newer: readonly Study[]): Lines {
  const found = new Map(newer.map((each) => [each.id, each]));
  return { ...lines, studies: lines.studies.map((each) => found.get(each.id) ?? each) };
}

/**
 * The lines with those that were not there put where they belong.
 *
 * One that would stand last is left to its page where more pages follow. Lines that are
 * there stay, also where a change has put them out of order.
 *
 * @returns the lines, and the numbers of those that were put in.
 */
export function insert(
  lines: Lines,
  found: readonly Study[],
  order: Order,
): { lines: Lines; added: readonly number[] } {
  const known = new Set(lines.studies.map((each) => each.id));
  const studies = [...lines.studies];
  const added: number[] = [];
  for (const study of found.filter((each) => !known.has(each.id))) {
    const place = studies.findIndex((each) => compare(study, each, order) < 0);
    if (place < 0 && lines.next !== null) continue;
    studies.splice(place < 0 ? studies.length : place, 0, study);
    added.push(study.id);
  }
  return { lines: { ...lines, studies }, added };
}

/** The lines without some studies. */
export function drop(lines: Lines, gone: readonly number[]): Lines {
  return { ...lines, studies: lines.studies.filter((each) => !gone.includes(each.id)) };
}

/**
 * Which line takes the place of one that went: the next one that is still there, else the
 * one before it.
 *
 * @param before the lines as they were, with the study among them.
 * @returns its number; null where none of them is left.
 */
export function heirOf(
  before: readonly Study[],
  study: number,
  after: readonly Study[],
): number | null {
  const left = new Set(after.map((each) => each.id));
  const at = before.findIndex((each) => each.id === study);
  const next = before.slice(Math.max(at, 0)).find((each) => left.has(each.id));
  const previous = before.slice(0, Math.max(at, 0)).findLast((each) => left.has(each.id));
  return (next ?? previous)?.id ?? null;
}

/** Whether a line stands where its urgency and time would not put it any more. */
export function isOutOfOrder(lines: Lines, order: Order): boolean {
  return lines.studies.some((each, at) => {
    const before = lines.studies[at - 1];
    return before !== undefined && compare(before, each, order) > 0;
  });
}

/** Which lines are on the screen and a few around: [first, last), whole numbers. */
export function onScreen(
  scrolled: number,
  height: number,
  lineHeight: number,
  count: number,
  around = 8,
): readonly [first: number, last: number] {
  const first = Math.floor(scrolled / lineHeight) - around;
  const last = Math.ceil((scrolled + height) / lineHeight) + around;
  return [Math.max(0, Math.min(first, count)), Math.max(0, Math.min(last, count))];
}

/**
 * The scroll position at which a line stays where it was on the screen.
 *
 * @param at its place in the list now.
 * @param offset how far its upper edge was below that of the window (negative: above).
 */
export function keepInPlace(at: number, offset: number, lineHeight: number): number {
  return Math.max(0, at * lineHeight - offset);
}

/** The scroll position at which a line is whole on the screen, moved as little as can be. */
export function bringIntoView(
  at: number,
  scrolled: number,
  height: number,
  lineHeight: number,
): number {
  const top = at * lineHeight;
  if (top < scrolled) return top;
  const bottom = top + lineHeight - height;
  return Math.max(bottom, scrolled);
}
