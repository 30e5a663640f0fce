/** One request of an upload; `fetch` does not tell how far a body has gone. */

import { OfflineError, problemOf } from "~/core/api/problem";
import { csrf, leave } from "~/core/session";
import { type Reply, sentName } from "./outcome";

const ADDRESS = "/api/v1/uploads";

/**
 * Send files; each is durable on the service when the promise is kept.
 *
 * @param told hears how many bytes of the body have gone.
 * @throws ProblemError nothing was taken. OfflineError: not known what was; the same
 * files may be sent again, none is stored twice.
 */
export function postFiles(
  files: readonly Blob[],
  told: (sent: number) => void,
  abort: AbortSignal,
): Promise<Reply> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", ADDRESS);
    if (csrf.value) request.setRequestHeader("X-CSRF-Token", csrf.value);
    request.upload.addEventListener("progress", (event) => told(event.loaded));
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status === 401) leave();
      if (request.status >= 200 && request.status < 300) done(body as Reply);
      else failed(problemOf(request.status, body));
    });
    request.addEventListener("error", () => failed(new OfflineError("upload")));
    request.addEventListener("timeout", () => failed(new OfflineError("upload")));
    request.addEventListener("abort", () => failed(abort.reason));
    abort.addEventListener("abort", () => request.abort(), { once: true });
    request.send(formOf(files));
  });
}

function formOf(files: readonly Blob[]): FormData {
  const form = new FormData();
  for (const [at, file] of files.entries()) form.append("file", file, sentName(at));
  return form;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
