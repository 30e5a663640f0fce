/** What can be done with a study of the list. */

import { signal } from "@preact/signals";
import { api, newKey, ok } from "~/core/api/client";
import { addressOf } from "~/core/filters";
import { go } from "~/core/route";
import { toastDone, toastFailed } from "~/shell/toast";
import type { Study } from "./rows";
import { filters, list, readCounts, select } from "./store";
import { t } from "./texts";

/** The study that one is asked about before it is removed. */
export const removing = signal<Study | null>(null);

/** Whether the page says how urgency is made. */
export const isHowOpen = signal(false);

/** The address of a study, which says what list it was opened out of. */
export function addressOfStudy(study: Study): string {
  return addressOf(filters.value, `/studies/${study.id}`);
}

/** Open a study in this page. */
export function open(study: Study): void {
  select(study.id);
  go(addressOfStudy(study));
}

export function openInTab(study: Study): void {
  window.open(addressOfStudy(study), "_blank", "noopener");
}

/** Have a study answered now, before others. */
export async function answer(study: Study): Promise<void> {
  try {
    const asked = await ok(
      api.POST("/api/v1/studies/{study}/answers", {
        params: { path: { study: study.id }, header: { "Idempotency-Key": newKey() } },
        body: {},
      }),
    );
    if (asked.is_new || asked.job.state === "waiting") toastDone(t("asked"));
    else toastDone(t("askedSame"), t("askedSameHint"));
  } catch (error) {
    toastFailed(error);
  }
}

/** Remove a study for good; the line after it is selected then. */
export async function remove(study: Study): Promise<void> {
  try {
    await ok(
      api.DELETE("/api/v1/studies/{study}", { params: { path: { study: study.id } } }),
    );
    list.remove(study.id);
    toastDone(t("removed"));
    void readCounts();
  } catch (error) {
    toastFailed(error);
  }
}
