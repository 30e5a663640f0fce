/** The REST API, typed by its own description (`schema.ts` is made from it). */

import createClient from "openapi-fetch";
import { guarded } from "./guarded";
import { OfflineError, problemOf } from "./problem";
import type { paths } from "./schema";

/** How one request ends in openapi-fetch. */
interface Reply<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** `api.GET("/api/v1/studies/{study}", { params: { path: { study: 17 } } })`. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? "http://localhost",
  credentials: "same-origin",
  fetch: guarded,
});

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
  let reply: Response;
  try {
    const address = new URL(path, globalThis.location?.origin ?? "http://localhost");
    reply = await guarded(new Request(address, { credentials: "same-origin", ...init }));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new OfflineError(String(error));
  }
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
