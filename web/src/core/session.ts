/** Who is at the screen. */

import { computed, signal } from "@preact/signals";
import type { components } from "./api/schema";

export type Me = components["schemas"]["Me"];
export type Right = Me["rights"][number];

/** The caller, null before the service said who it is. */
export const me = signal<Me | null>(null);
/** What `X-CSRF-Token` must say with every change. */
export const csrf = computed(() => me.value?.csrf ?? "");
/** True in demo mode: no account is needed. */
export const isDemo = computed(() => me.value?.is_demo ?? false);

const BACK = "medlens.back";

/**
 * Why changes are not taken just now: the log-in ended while something is being sent, or
 * another person logged in in another tab of this browser.
 */
export const away = signal<"" | "logged-out" | "other">("");

/** Whether the caller may do something; read inside a component it stays current. */
export function may(right: Right): boolean {
  return me.value?.rights.includes(right) ?? false;
}

let holds = 0;

/**
 * Stay on this page while files are on their way from it: the browser asks before it is
 * closed, and a log-in that ends leads to no other page.
 *
 * @returns lets go of it, once.
 */
export function hold(): () => void {
  holds += 1;
  globalThis.addEventListener?.("beforeunload", warn);
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    holds -= 1;
    if (holds === 0) globalThis.removeEventListener?.("beforeunload", warn);
  };
}

/** The browser has the words of the question. */
function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

/** Go and log in; what was typed, and where one was, stays in this tab. */
export function leave(): void {
  if (typeof location === "undefined" || location.pathname === "/login") return;
  if (holds > 0) {
    away.value = "logged-out";
    return;
  }
  try {
    sessionStorage.setItem(BACK, location.pathname + location.search);
  } catch {
    // The log-in then leads to the worklist.
  }
  location.assign("/login");
}

/** Where `leave` was called, once; "" where it was not. */
export function placeLeft(): string {
  try {
    const place = sessionStorage.getItem(BACK) ?? "";
    sessionStorage.removeItem(BACK);
    // An address of this page and no other: "//host" would be another host.
    return /^\/(?!\/)/.test(place) ? place : "";
  } catch {
    return "";
  }
}
