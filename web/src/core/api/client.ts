/** The REST API, typed by its own description (`schema.ts` is made from it). */

import createClient, { type Middleware } from "openapi-fetch";
import { csrf, leave } from "~/core/session";
import { OfflineError, problemOf } from "./problem";
import type { paths } from "./schema";

/** How one request ends in openapi-fetch. */
interface Reply<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

const guarded: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method) && csrf.value) {
      request.headers.set("X-CSRF-Token", csrf.value);
    }
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) leave();
    return undefined;
  },
};

/** `api.GET("/api/v1/studies/{study}", { params: { path: { study: 17 } } })`. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "http://localhost",
  credentials: "same-origin",
});
api.use(guarded);

/**
 * The data of a reply: `await ok(api.GET("/api/v1/status"))`.
 *
 * @throws ProblemError the service refused.
 * @throws OfflineError it could not be reached.
 */
export async function ok<T>(asked: Promise<Reply<T>>): Promise<T> {
  let reply: Reply<T>;
  try {
    reply = await asked;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new OfflineError(String(error));
  }
  if (!reply.response.ok) throw problemOf(reply.response.status, reply.error);
  return reply.data as T;
}

/**
 * A plain request to the service with everything that `api` adds, for bodies that are
 * no JSON (uploads, images, archives).
 *
 * @throws ProblemError, OfflineError as `ok` does.
 */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!SAFE.has(init.method ?? "GET") && csrf.value) {
    headers.set("X-CSRF-Token", csrf.value);
  }
  let reply: Response;
  try {
    reply = await fetch(path, { credentials: "same-origin", ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new OfflineError(String(error));
  }
  if (reply.status === 401) leave();
  if (!reply.ok) {
    throw problemOf(reply.status, await reply.json().catch(() => null));
  }
  return reply;
}

/**
 * A key under which a change is done once, however often it is sent.
 *
 * Not `crypto.randomUUID`: browsers have it behind https and on their own machine only.
 */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
