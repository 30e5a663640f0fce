/** What a person set for this browser: looks and keys, never anything of a patient. */

import { effect, type Signal, signal } from "@preact/signals";

const PREFIX = "medlens.";

/**
 * A signal that this browser remembers; its other tabs follow.
 *
 * @param name of the setting, unique.
 * @param start used where nothing, or nothing valid, is remembered.
 * @param isValid tells a sound value from what a former version may have left.
 */
export function preference<T>(
  name: string,
  start: T,
  isValid: (value: unknown) => value is T,
): Signal<T> {
  const read = (text: string | null) => parsed(text, start, isValid);
  const kept = signal(read(recall(name)));
  let isFirst = true;
  effect(() => {
    const text = JSON.stringify(kept.value);
    // Only a choice is remembered, so that a start which follows the system goes on to.
    if (isFirst) isFirst = false;
    else remember(name, text);
  });
  globalThis.addEventListener?.("storage", (event) => {
    if (event.key !== PREFIX + name) return;
    const next = read(event.newValue);
    if (JSON.stringify(next) !== JSON.stringify(kept.value)) kept.value = next;
  });
  return kept;
}

function parsed<T>(
  text: string | null,
  start: T,
  isValid: (value: unknown) => value is T,
): T {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return isValid(value) ? value : start;
  } catch {
    return start;
  }
}

function recall(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

function remember(name: string, text: string): void {
  try {
    localStorage.setItem(PREFIX + name, text);
  } catch {
    // A browser that keeps nothing still works for this visit.
  }
}

/** A check for `preference`: one of some words. */
export function oneOf<const T extends string>(...words: readonly T[]) {
  return (value: unknown): value is T => (words as readonly unknown[]).includes(value);
}

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Light, dark, or as the system says. */
export const theme = preference<Theme>("theme", "auto", oneOf(...THEMES));
