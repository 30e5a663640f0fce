/** Addresses of the page, and going from one to another without loading it anew. */

import { computed, effect, signal } from "@preact/signals";
import { addressOf, readFilters } from "./filters";

/** Every page by its address; the server gives the same file for each of these. */
export type Route =
  | { readonly page: "worklist"; readonly query: URLSearchParams }
  | { readonly page: "study"; readonly study: number; readonly query: URLSearchParams }
  | { readonly page: "models" }
  | { readonly page: "model"; readonly digest: string }
  | { readonly page: "evaluation"; readonly evaluation: number }
  | { readonly page: "try" }
  | { readonly page: "missing" };

/** The route of an address. */
export function routeOf(path: string, search = ""): Route {
  const query = new URLSearchParams(search);
  if (path === "/") return { page: "worklist", query };
  const study = /^\/studies\/([1-9]\d{0,14})$/.exec(path)?.[1];
  if (study) return { page: "study", study: Number(study), query };
  if (path === "/models") return { page: "models" };
  const digest = /^\/models\/([0-9a-f]{64})$/.exec(path)?.[1];
  if (digest) return { page: "model", digest };
  const evaluation = /^\/evaluations\/([1-9]\d{0,14})$/.exec(path)?.[1];
  if (evaluation) return { page: "evaluation", evaluation: Number(evaluation) };
  if (path === "/try") return { page: "try" };
  return { page: "missing" };
}

const address = signal(here());

/** Where the page is now. */
export const route = computed(() => {
  const at = new URL(address.value, "http://page");
  return routeOf(at.pathname, at.search);
});

/** The worklist as it was last looked at, filters and all, to come back to. */
export const lastList = signal("/");

/** The study that was open last, for the list that one comes back to; null once taken. */
export const lastStudy = signal<number | null>(null);

effect(() => {
  const now = route.value;
  if (now.page === "worklist") lastList.value = address.value;
  if (now.page !== "study") return;
  lastStudy.value = now.study;
  // After a reload the study's own address is all that knows of the list.
  const list = listOf(now.query);
  if (list !== "/") lastList.value = list;
});

/** The worklist that a study was opened out of, by the study's address. */
export function listOf(query: URLSearchParams): string {
  return addressOf(readFilters(query));
}

function here(): string {
  const at = globalThis.location;
  return at ? at.pathname + at.search : "/";
}

/** Go to an address of the page; `replace` leaves no step in the browser's history. */
export function go(to: string, { replace = false } = {}): void {
  if (to === here()) return;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  address.value = here();
}

globalThis.addEventListener?.("popstate", () => {
  address.value = here();
});
