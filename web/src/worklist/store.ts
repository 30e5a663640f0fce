/** What the worklist holds while one is on other pages: lines, selection, place, looks. */

import { computed, effect, signal, untracked } from "@preact/signals";
import { api, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import {
  addressOf,
  askedOf,
  countFilters,
  type Filters,
  readFilters,
  today,
} from "~/core/filters";
import { oneOf, preference } from "~/core/prefs";
import { go, lastStudy, route } from "~/core/route";
import { type Asker, StudyList } from "./list";
import { heirOf, type Study } from "./rows";

const SELECTED = "medlens.worklist.selected";
const COUNT = "medlens.worklist.count";

export const list = new StudyList();

/** Height of the lines. */
export const density = preference(
  "density",
  "comfortable",
  oneOf("comfortable", "compact"),
);

/** How many studies there are by state and reading, null before the service said so. */
export const counts = signal<components["schemas"]["StudyCounts"] | null>(null);

/** The filters of the address. */
export const filters = computed<Filters>(() => {
  const now = route.value;
  return readFilters(now.page === "worklist" ? now.query : new URLSearchParams());
});

/** Number of the study that keys and buttons are about; our own, nothing of a patient. */
export const selectedId = signal<number | null>(Number(recall(SELECTED)) || null);

/** Its place in the list, -1 where it is not there. */
export const selectedAt = computed(() =>
  list.lines.value.studies.findIndex((each) => each.id === selectedId.value),
);

/** The study itself. */
export const selected = computed(
  () => list.lines.value.studies[selectedAt.value] ?? null,
);

/** Pixels that the list is scrolled; it is put back when one comes back. */
export const place = { scrolled: 0 };

let shown = "";

/** Put other filters into the address, and so into the list. */
export function setFilters(words: Partial<Filters>, { replace = false } = {}): void {
  go(addressOf({ ...filters.value, ...words }), { replace });
}

/** Select the line at a place of the list, or the nearest there is. */
export function selectAt(at: number): void {
  const { studies } = list.lines.value;
  const study = studies[Math.max(0, Math.min(at, studies.length - 1))];
  if (study) select(study.id);
}

export function select(study: number | null): void {
  selectedId.value = study;
  keep(SELECTED, String(study ?? ""));
}

/**
 * Show the lines of some filters. Those that are there already stay until they are read
 * anew, so that one who comes back finds the place that was left, and the study that was
 * open last.
 */
export async function show(wanted: Filters): Promise<void> {
  const address = addressOf(wanted);
  const isSame = address === shown && list.error.value === null;
  shown = address;
  if (lastStudy.value !== null) select(lastStudy.value);
  lastStudy.value = null;
  if (isSame && list.lines.value.studies.length > 0) {
    await sortAgain();
    return;
  }
  const isFirst = list.loading.value === "first" && list.lines.value.studies.length === 0;
  place.scrolled = 0;
  await list.open({
    ask: askerOf(wanted),
    order: wanted.order,
    isNarrowed: countFilters(wanted) > 0,
    ...(isFirst && { count: Number(recall(COUNT)) || 0 }), // as many as before a reload
  });
  // Keys and the strip below have something to be about.
  if (address === shown && selectedAt.value < 0) selectAt(0);
}

/** All lines anew, in their true order. */
export async function sortAgain(): Promise<void> {
  await list.again();
  if (list.error.value === null && selectedAt.value < 0) selectAt(0);
}

/** A selected line that leaves the list, signed or removed, is followed by its heir. */
function followSelection(): void {
  let before = list.lines.peek().studies;
  effect(() => {
    const now = list.lines.value.studies;
    const study = selectedId.peek();
    const had = before;
    before = now;
    const isIn = (lines: readonly Study[]) => lines.some((each) => each.id === study);
    if (study === null || isIn(now) || !isIn(had)) return;
    untracked(() => select(heirOf(had, study, now)));
  });
}

followSelection();

/** Remember how far the list was loaded, for a reload. */
export function keepCount(): void {
  keep(COUNT, String(list.lines.value.studies.length));
}

/** Ask how many studies there are. */
export async function readCounts(): Promise<void> {
  try {
    counts.value = await ok(api.GET("/api/v1/studies/counts"));
  } catch {
    // The list itself says what is wrong; old counts are better than none.
  }
}

function askerOf(wanted: Filters): Asker {
  return async (page, signal) => {
    const query = {
      ...(page.isAny ? {} : askedOf(wanted, today())),
      limit: page.limit,
      ...(page.ids && { id: [...page.ids] }),
      ...(page.cursor && { cursor: page.cursor }),
    };
    const got = await ok(api.GET("/api/v1/studies", { params: { query }, signal }));
    return { studies: got.items, next: got.next ?? null };
  };
}

function recall(name: string): string {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

function keep(name: string, value: string): void {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // It is then forgotten on a reload.
  }
}
