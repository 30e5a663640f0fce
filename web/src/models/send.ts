/** Sending an archive with a progress to show, which `fetch` does not tell of. */

import { OfflineError, problemOf } from "~/core/api/problem";
import { csrf, leave } from "~/core/session";

/** What came back. */
export interface Sent<T> {
  readonly status: number;
  readonly body: T;
}

/**
 * POST an archive.
 *
 * @param onSent bytes that left this machine so far.
 * @throws ProblemError, OfflineError as `ok` does; AbortError where it was cancelled.
 */
export function sendArchive<T>(
  to: string,
  archive: Blob,
  onSent: (bytes: number) => void,
  abort: AbortSignal,
): Promise<Sent<T>> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", to);
    request.setRequestHeader("Content-Type", "application/zip");
    if (csrf.value) request.setRequestHeader("X-CSRF-Token", csrf.value);
    request.upload.addEventListener("progress", (event) => onSent(event.loaded));
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status === 401) leave();
      if (request.status >= 400) reject(problemOf(request.status, body));
      else resolve({ status: request.status, body: body as T });
    });
    request.addEventListener("error", () => reject(new OfflineError(to)));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    if (abort.aborted) request.abort();
    abort.addEventListener("abort", () => request.abort(), { once: true });
    request.send(archive);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
