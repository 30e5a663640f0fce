/** The studies that were tried in this tab, and asking for their answers. */

import { effect } from "@preact/signals";
import { api, newKey, ok } from "~/core/api/client";
import { OfflineError, ProblemError } from "~/core/api/problem";
import { draft, forget } from "~/core/drafts";
import { may } from "~/core/session";
import { toastFailed } from "~/shell/toast";
import { uploads } from "~/shell/upload/uploads";
import { type FileNames, namesOf } from "./names";

const STUDIES = "try/studies";
const NAMES = "try/names";
const AGAIN_MS = 3_000;
/** Of hundreds of files each may be a study: the service has other things to do, too. */
const AT_ONCE = 3;
/** The service cannot take it just now. */
const BUSY = [429, 502, 503, 504];

/** Digest of the bundle that shall answer, "" where the rules decide. */
export const bundle = draft("try/bundle", "");

/** Numbers of the studies, the newest first; they outlive a reload. */
export function tried() {
  return draft<readonly number[]>(STUDIES, []);
}

/** Which files went into which study; it stays in this tab, since names may tell patients. */
export function fileNames() {
  return draft<FileNames>(NAMES, {});
}

/** Take the answers off the page; the studies stay in the worklist. */
export function forgetTried(): void {
  tried().value = [];
  fileNames().value = {};
  forget(STUDIES);
  forget(NAMES);
  uploads.clear();
}

/** What was asked for while this tab is open; to come back to the page asks nothing anew. */
const asked = new Set<string>();

/**
 * While the page is there: what was uploaded is put on it, and asked for once all of it
 * is there, so that nobody waits for the quiet time of the service.
 *
 * @returns ends it.
 */
export function followUploads(): () => void {
  return effect(() => {
    const studies = uploads.studies.value;
    const isBusy = uploads.isBusy.value;
    const count = uploads.items.value.length;
    const known = tried();
    const added = studies.filter((each) => !known.peek().includes(each));
    if (added.length > 0) known.value = [...added.reverse(), ...known.peek()];
    if (isBusy) return;
    if (studies.length > 0) {
      const names = fileNames();
      names.value = { ...names.peek(), ...namesOf(uploads.items.value) };
    }
    if (!may("read")) return;
    for (const study of studies) {
      const wish = `${study}/${count}/${bundle.peek()}`;
      if (!asked.has(wish)) wishFor(study, bundle.peek());
      asked.add(wish);
    }
  });
}

const waiting: (() => Promise<void>)[] = [];
let running = 0;

/** Ask for an answer, a few at a time. */
function wishFor(study: number, wanted: string): void {
  waiting.push(() => askFor(study, wanted));
  next();
}

function next(): void {
  while (running < AT_ONCE) {
    const ask = waiting.shift();
    if (!ask) return;
    running += 1;
    void ask().finally(() => {
      running -= 1;
      next();
    });
  }
}

/** Ask for the answer of a study; while it cannot be told it is asked again. */
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
      if (!isForNow(error)) {
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

function isForNow(error: unknown): boolean {
  if (error instanceof OfflineError) return true;
  return error instanceof ProblemError && BUSY.includes(error.status);
}
