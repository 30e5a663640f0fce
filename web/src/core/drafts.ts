/**
 * What was typed and not yet sent: it outlives a reload and a log-in, in this tab only.
 *
 * The session store is used and not the local one: a draft may hold a patient's data,
 * and is gone when the tab is closed.
 */

import { effect, type Signal, signal } from "@preact/signals";

const held = new Map<string, Signal<unknown>>();

/**
 * The draft under a key; the same key gives the same signal.
 *
 * @param key where it belongs: "report/17".
 * @param start used where nothing is kept.
 */
export function draft<T>(key: string, start: T): Signal<T> {
  const known = held.get(key);
  if (known) return known as Signal<T>;
  const kept = signal<T>(recall(key, start));
  held.set(key, kept as Signal<unknown>);
  effect(() => {
    const text = JSON.stringify(kept.value);
    try {
      if (text === JSON.stringify(start)) sessionStorage.removeItem(name(key));
      else sessionStorage.setItem(name(key), text);
    } catch {
      // Full or forbidden: what is on the screen still stands.
    }
  });
  return kept;
}

/** Forget a draft that was sent, or that nobody wants any more. */
export function forget(key: string): void {
  held.delete(key);
  try {
    sessionStorage.removeItem(name(key));
  } catch {
    // Nothing was kept.
  }
}

function recall<T>(key: string, start: T): T {
  try {
    const text = sessionStorage.getItem(name(key));
    return text === null ? start : (JSON.parse(text) as T);
  } catch {
    return start;
  }
}

function name(key: string): string {
  return `medlens.draft.${key}`;
}
