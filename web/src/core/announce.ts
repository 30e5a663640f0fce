/** What a screen reader says of changes that are only seen. */

import { signal } from "@preact/signals";

/** The last announcement; the shell shows it to assistive technology alone. */
export const announcement = signal("");

/** Say something once, politely; the same words again are said again. */
export function announce(text: string): void {
  announcement.value = text === announcement.value ? `${text}\u00a0` : text;
}
