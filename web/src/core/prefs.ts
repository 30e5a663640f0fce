/** What a person set for this browser: looks and keys, never anything of a patient. */

import { effect, type Signal, signal } from "@preact/signals";

/**
 * A signal that this browser remembers.
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
  const kept = signal(recall(name, start, isValid));
  effect(() => {
    const text = JSON.stringify(kept.value);
    try {
      localStorage.setItem(`medlens.${name}`, text);
    } catch {
      // A browser that keeps nothing still works for this visit.
    }
  });
  return kept;
}

function recall<T>(name: string, start: T, isValid: (value: unknown) => value is T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(`medlens.${name}`) ?? "");
    return isValid(value) ? value : start;
  } catch {
    return start;
  }
}

/** A check for `preference`: one of some words. */
export function oneOf<const T extends string>(...words: readonly T[]) {
  return (value: unknown): value is T => (words as readonly unknown[]).includes(value);
}

const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** Light, dark, or as the system says. */
export const theme = preference<Theme>("theme", "auto", oneOf(...THEMES));
