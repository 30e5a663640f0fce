/** Which study comes after this one in the list that the reader came from. */

import { api, ok } from "~/core/api/client";
import { ProblemError } from "~/core/api/problem";
import {
  addressOf,
  askedOf,
  type Filters,
  readFilters,
  type State,
  today,
} from "~/core/filters";
import { go } from "~/core/route";

/** States of a study that no more images and no answer are waited for. */
const ENDED: readonly State[] = ["answered", "refused", "failed"];

/**
 * What is left to read of a list: where its filters do not say, what nobody has begun to
 * read and no work is due on.
 */
export function leftOf(list: Filters): Filters {
  return {
    ...list,
    state: list.state.length > 0 ? list.state : ENDED,
    reading: list.reading.length > 0 ? list.reading : ["unread"],
  };
}

/** Numbers of the studies of a list: of the first few, or those behind a study. */
export type Finder = (list: Filters, after?: number) => Promise<readonly number[]>;

/** Where `findNext` leads; `isTop` where the list begins again. */
export interface Next {
  readonly study: number;
  readonly isTop: boolean;
}

/** The study to read next: the first one left behind this one, else the first of all. */
export async function findNext(
  find: Finder,
  list: Filters,
  now: number,
): Promise<Next | null> {
  const left = leftOf(list);
  const [behind] = await find(left, now);
  if (behind !== undefined) return { study: behind, isTop: false };
  const first = (await find(left)).find((each) => each !== now);
  return first === undefined ? null : { study: first, isTop: true };
}

/**
 * Go to the study to read next.
 *
 * @param query of the study's address, which says what list it was opened out of; the
 *   worklist's own order where it says nothing.
 * @returns where it went; null where nothing is left.
 */
export async function goNext(now: number, query: URLSearchParams): Promise<Next | null> {
  const list = readFilters(query);
  const next = await findNext(ask, list, now);
  if (next !== null) go(addressOf(list, `/studies/${next.study}`));
  return next;
}

async function ask(list: Filters, after?: number): Promise<readonly number[]> {
  // Two from the top: one of them may be the study that is open.
  const asked = { ...askedOf(list, today()), limit: after === undefined ? 2 : 1 };
  const query = after === undefined ? asked : { ...asked, after };
  try {
    const page = await ok(api.GET("/api/v1/studies", { params: { query } }));
    return page.items.map((each) => each.id);
  } catch (error) {
    // Removed meanwhile: nothing stands behind a study that is not there.
    if (after !== undefined && error instanceof ProblemError && error.status === 404) {
      return [];
    }
    throw error;
  }
}
