/**
 * What was typed and not yet sent: it outlives a reload and a log-in, in this tab only.
 *
 * The session store is used and not the local one: a draft may hold a patient's data,
 * and is gone when the tab is closed.
 */

import { effect, type Signal, signal } from "@preact/signals";

interface Held {
  readonly kept: Signal<unknown>;
  /** Ends the writing into the store. */
  readonly stop: () => void;
  isForgotten: boolean;
}

const PREFIX = "medlens.draft.";
const OWNER = "medlens.drafts-of";
const held = new Map<string, Held>();

/**
 * The draft under a key; the same key gives the same signal until it is forgotten.
 *
 * @param key where it belongs: "report/17".
 * @param start used where nothing is kept.
 */
export function draft<T>(key: string, start: T): Signal<T> {
  const known = held.get(key);
  if (known && !known.isForgotten) return known.kept as Signal<T>;
  known?.stop();
  const kept = signal<T>(recall(key, start));
  let isFirst = true;
  const stop = effect(() => {
    const text = JSON.stringify(kept.value);
    // What was just read need not be written; a first write would also undo `forget`.
    if (isFirst) isFirst = false;
    else write(key, text === JSON.stringify(start) ? null : text);
  });
  held.set(key, { kept: kept as Signal<unknown>, stop, isForgotten: false });
  return kept;
}

/**
 * Forget a draft that was sent, or that nobody wants any more. Who still shows it keeps
 * the text, and what is typed on into it is kept again.
 */
export function forget(key: string): void {
  const known = held.get(key);
  if (known) known.isForgotten = true;
  write(key, null);
}

/** Drop all drafts where another person than before is at this tab. */
export function keepDraftsOf(name: string): void {
  try {
    const before = sessionStorage.getItem(OWNER);
    if (before !== null && before !== name) dropDrafts();
    sessionStorage.setItem(OWNER, name);
  } catch {
    // Nothing is kept here, so nothing is left of anybody.
  }
}

/** Drop all drafts: the next person at this screen finds none. */
export function dropDrafts(): void {
  for (const each of held.values()) each.stop();
  held.clear();
  const keys = Array.from({ length: sessionStorage.length }, (_, at) =>
    sessionStorage.key(at),
  );
  for (const key of keys) if (key?.startsWith("medlens.")) sessionStorage.removeItem(key);
}

function recall<T>(key: string, start: T): T {
  try {
    const text = sessionStorage.getItem(PREFIX + key);
    return text === null ? start : (JSON.parse(text) as T);
  } catch {
    return start;
  }
}

function write(key: string, text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, text);
  } catch {
    // Full or forbidden: what is on the screen still stands.
  }
}
