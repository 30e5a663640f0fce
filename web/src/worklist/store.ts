/** What the worklist holds while one is on other pages: lines, selection, place, looks. */

import { computed, signal } from "@preact/signals";
import { api, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { oneOf, preference } from "~/core/prefs";
import { go, route } from "~/core/route";
import { type Asker, StudyList } from "./list";
import { addressOf, askedOf, type Filters, readFilters, today } from "./query";

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
 * Show the lines of some filters. Those that are there already are read anew in place, so
 * that one who comes back finds what was left.
 */
export async function show(wanted: Filters): Promise<void> {
  const address = addressOf(wanted);
  const isSame = address === shown && list.error.value === null;
  shown = address;
  if (isSame && list.lines.value.studies.length > 0) {
    await list.onReset();
    return;
  }
  const isFirst = list.loading.value === "first" && list.lines.value.studies.length === 0;
  const count = isFirst ? Number(recall(COUNT)) || 0 : 0; // as many as before a reload
  place.scrolled = 0;
  await list.open(askerOf(wanted), wanted.order, count);
  // Keys and the strip below have something to be about.
  if (selectedAt.value < 0) select(list.lines.value.studies[0]?.id ?? null);
}

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
    const query = page.studyUid
      ? { study_uid: page.studyUid, limit: 1 }
      : {
          ...askedOf(wanted, today()),
          limit: page.limit,
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
