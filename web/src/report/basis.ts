/** Which result a report was drafted from, and whether a newer one is there. */

import { moment } from "~/core/text/format";
import type { VersionLine } from "./content";
import { t } from "./texts";

/** A result of the study. */
export interface GivenResult {
  readonly id: number;
  readonly created_at: string;
}

/**
 * How a text stands to the newest result.
 *
 * - free: no result is there;
 * - current: it was drafted from the newest;
 * - older: it was drafted from an older one;
 * - before: it was begun before there was any.
 */
export type Basis =
  | { readonly kind: "free" }
  | { readonly kind: "current"; readonly from: GivenResult }
  | {
      readonly kind: "older";
      readonly from: GivenResult | null;
      readonly newest: GivenResult;
    }
  | { readonly kind: "before"; readonly newest: GivenResult };

/**
 * How a draft stands to the results of its study.
 *
 * @param from number of the result that it was drafted from.
 * @param results of the study, the newest first.
 */
export function basisOf(
  from: number | null | undefined,
  results: readonly GivenResult[],
): Basis {
  const [newest] = results;
  if (!newest) return { kind: "free" };
  if (from === null || from === undefined) return { kind: "before", newest };
  if (newest.id <= from) return { kind: "current", from: newest };
  return { kind: "older", from: results.find(({ id }) => id === from) ?? null, newest };
}

/** What a reader should know before they sign; "" where the draft is of the newest. */
export function cautionOf(basis: Basis): string {
  if (basis.kind === "before") {
    return t("begunBefore", { newest: moment(basis.newest.created_at) });
  }
  if (basis.kind !== "older") return "";
  const newest = moment(basis.newest.created_at);
  return t("fromOlder", { from: moment(basis.from?.created_at) || "?", newest });
}

/** What a version that was kept says of its result. */
export interface Origin {
  /** That it was drafted from a result, and which; "" of none. */
  readonly from: string;
  /** A newer one was there when it was made; "" where none was. */
  readonly wasOlder: string;
  /** A newer one came since; "" where none did. */
  readonly isOlder: string;
}

/** The sentences of a version, `results` being those of its study, the newest first. */
export function originOf(
  version: Pick<VersionLine, "result_id" | "newest_result_id">,
  results: readonly GivenResult[],
): Origin {
  const at = (id: number | null) =>
    moment(results.find((each) => each.id === id)?.created_at);
  const { result_id: own, newest_result_id: then } = version;
  const wasOlder = own !== null && then !== null && then > own;
  const [now] = results;
  const isOlder = now !== undefined && now.id > Math.max(then ?? 0, own ?? 0);
  return {
    from: own === null ? "" : t("draftedFrom", { id: own, time: at(own) || "?" }),
    wasOlder: wasOlder ? t("wasOlder", { id: then, time: at(then) || "?" }) : "",
    isOlder: isOlder ? t("isOlder", { id: now.id, time: moment(now.created_at) }) : "",
  };
}
