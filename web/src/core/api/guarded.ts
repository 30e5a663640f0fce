/** What every request to the service carries, and what a log-in that changed means. */

import { away, csrf, leave, type Me, me } from "~/core/session";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const CSRF = "X-CSRF-Token";
const ME = "/api/v1/me";

/**
 * `fetch` with the word that changes need. Who logged in anew in another tab has another
 * word: it is asked for, and the change goes once more, if it is the same person.
 */
export async function guarded(request: Request): Promise<Response> {
  if (SAFE.has(request.method)) return noted(await fetch(request));
  const again = request.clone();
  const reply = await fetch(worded(request));
  if (!(await isOtherSession(reply)) || !(await renew())) return noted(reply);
  return noted(await fetch(worded(again)));
}

/** Puts the session's word into a change. */
function worded(request: Request): Request {
  if (csrf.value) request.headers.set(CSRF, csrf.value);
  return request;
}

function noted(reply: Response): Response {
  if (reply.status === 401) leave();
  return reply;
}

/** True where a change was refused since its word is that of another log-in. */
async function isOtherSession(reply: Response): Promise<boolean> {
  return reply.status === 403 && isCsrf(await reply.clone().text());
}

/** True of the body of a refusal for want of the session's word. */
export function isCsrf(body: string): boolean {
  return /"type":\s*"[^"]*\/csrf"/.test(body);
}

/**
 * Ask who is at the screen now; the session's word is then known.
 *
 * @returns true where it is the person that this page belongs to.
 */
export async function renew(): Promise<boolean> {
  let found: Me;
  try {
    const reply = await fetch(ME, { credentials: "same-origin" });
    if (reply.status === 401) leave();
    if (!reply.ok) return false;
    found = (await reply.json()) as Me;
  } catch {
    return false; // no line: nothing is known
  }
  const isSame = me.value === null || me.value.name === found.name;
  away.value = isSame ? "" : "other";
  if (isSame) me.value = found;
  return isSame;
}
