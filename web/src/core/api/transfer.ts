/** Sending a large body with a progress to show, of which `fetch` does not tell. */

import { away, csrf, leave } from "~/core/session";
import { isCsrf, renew } from "./guarded";
import { OfflineError, problemOf } from "./problem";

/** What is sent. */
export interface Load {
  readonly to: string;
  readonly body: FormData | Blob;
  /** "" where the browser knows it, as for forms. */
  readonly type?: string;
  /** Hears how many bytes of the body have gone. */
  readonly onSent: (bytes: number) => void;
  readonly abort: AbortSignal;
}

/** What came back. */
export interface Sent<T> {
  readonly status: number;
  readonly body: T;
}

/**
 * POST a body; where the log-in has ended it waits until somebody logged in again.
 *
 * @throws ProblemError the service refused. OfflineError: it could not be reached, and
 * nothing is known of what it took. AbortError: it was cancelled.
 */
export async function transfer<T>(load: Load): Promise<Sent<T>> {
  await whenHere(load.abort);
  let reply = await post(load);
  if (reply.status === 403 && isCsrf(reply.text) && (await renew())) {
    reply = await post(load);
  }
  if (reply.status === 401) leave();
  const body = parsed(reply.text);
  if (reply.status >= 400 || reply.status < 200) throw problemOf(reply.status, body);
  return { status: reply.status, body: body as T };
}

/** Kept as soon as nobody has to log in. */
function whenHere(abort: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let stop = () => {};
    const end = (isAborted: boolean) => {
      stop();
      abort.removeEventListener("abort", onAbort);
      if (isAborted) reject(aborted());
      else resolve();
    };
    const onAbort = () => end(true);
    if (abort.aborted) return end(true);
    if (away.value === "") return end(false);
    abort.addEventListener("abort", onAbort);
    stop = away.subscribe((now) => {
      if (now === "") queueMicrotask(() => end(false));
    });
  });
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

function post({ to, body, type = "", onSent, abort }: Load): Promise<Reply> {
  return new Promise((resolve, reject) => {
    if (abort.aborted) return reject(aborted());
    const request = new XMLHttpRequest();
    const onAbort = () => request.abort();
    abort.addEventListener("abort", onAbort);
    request.open("POST", to);
    if (type) request.setRequestHeader("Content-Type", type);
    if (csrf.value) request.setRequestHeader("X-CSRF-Token", csrf.value);
    request.upload.addEventListener("progress", (event) => onSent(event.loaded));
    request.addEventListener("load", () =>
      resolve({ status: request.status, text: request.responseText }),
    );
    request.addEventListener("error", () => reject(new OfflineError(to)));
    request.addEventListener("timeout", () => reject(new OfflineError(to)));
    request.addEventListener("abort", () => reject(aborted()));
    request.addEventListener("loadend", () =>
      abort.removeEventListener("abort", onAbort),
    );
    request.send(body);
  });
}

function aborted(): DOMException {
  return new DOMException("", "AbortError");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
