/** Which study comes after this one: the next unread of the worklist. */

import { api, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { go } from "~/core/route";

type Line = Pick<components["schemas"]["StudyView"], "id" | "urgency" | "last_at">;
export type Order = "urgent" | "newest";

/**
 * The one to read next: of those after this one in the worklist's order the first, else
 * the first of all.
 *
 * @param lines unread ones in the worklist's order.
 * @param now the study that was read; it may have left the list.
 */
export function nextOf(
  lines: readonly Line[],
  now: Line,
  order: Order = "urgent",
): number | null {
  const others = lines.filter((each) => each.id !== now.id);
  const after = others.find((each) => isAfter(each, now, order));
  return (after ?? others[0])?.id ?? null;
}

/** The worklist sorts by urgency, then by the newest image, then by number, all falling. */
function isAfter(one: Line, other: Line, order: Order): boolean {
  if (order === "urgent" && one.urgency !== other.urgency) {
    return one.urgency < other.urgency;
  }
  if (one.last_at !== other.last_at) return one.last_at < other.last_at;
  return one.id < other.id;
}

const MOST = 200; // unread ones that are looked at

/** Go to the next unread study; false if none is left. */
export async function goNext(now: Line): Promise<boolean> {
  const page = await ok(
    api.GET("/api/v1/studies", {
      params: {
        query: { order: "urgent", reading: ["unread"], state: ["answered"], limit: MOST },
      },
    }),
  );
  const next = nextOf(page.items, now);
  if (next !== null) go(`/studies/${next}`);
  return next !== null;
}
