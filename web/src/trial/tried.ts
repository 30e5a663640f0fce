/** The studies that were tried in this tab, and asking for their answers. */

import { effect } from "@preact/signals";
import { api, newKey, ok } from "~/core/api/client";
import { OfflineError, ProblemError } from "~/core/api/problem";
import { draft, forget } from "~/core/drafts";
import { may } from "~/core/session";
import { toastFailed } from "~/shell/toast";
import { uploads } from "~/shell/upload/uploads";

const KEY = "try/studies";
const AGAIN_MS = 3_000;

/** Digest of the bundle that shall answer, "" where the rules decide. */
export const bundle = draft("try/bundle", "");

/** Numbers of the studies, the newest first; they outlive a reload. */
export function tried() {
  return draft<readonly number[]>(KEY, []);
}

/** Take the answers off the page; the studies stay in the worklist. */
export function forgetTried(): void {
  tried().value = [];
  forget(KEY);
  uploads.clear();
}

/**
 * While the page is there: what was uploaded is put on it, and asked for once all of it
 * is there, so that nobody waits for the quiet time of the service.
 *
 * @returns ends it.
 */
export function followUploads(): () => void {
  const asked = new Set<string>();
  return effect(() => {
    const studies = uploads.studies.value;
    const isBusy = uploads.isBusy.value;
    const count = uploads.items.value.length;
    const known = tried();
    const added = studies.filter((each) => !known.peek().includes(each));
    if (added.length > 0) known.value = [...added.reverse(), ...known.peek()];
    if (isBusy || !may("read")) return;
    for (const study of studies) {
      const wish = `${study}/${count}/${bundle.peek()}`;
      if (!asked.has(wish)) void askFor(study, bundle.peek());
      asked.add(wish);
    }
  });
}

/** Ask for the answer of a study; while the line is lost it is asked again. */
export async function askFor(study: number, wanted: string): Promise<void> {
  const key = newKey();
  for (;;) {
    try {
      await ok(
        api.POST("/api/v1/studies/{study}/answers", {
          params: { path: { study }, header: { "Idempotency-Key": key } },
          body: wanted ? { bundle: wanted } : {},
        }),
      );
      return;
    } catch (error) {
      if (!(error instanceof OfflineError)) {
        // 409: there is no image in it; the study's own state says so.
        if (!(error instanceof ProblemError && error.status === 409 && !wanted)) {
          toastFailed(error);
        }
        return;
      }
      await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}
