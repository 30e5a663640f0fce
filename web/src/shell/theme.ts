/** Light and dark. */

import { computed, effect, signal } from "@preact/signals";
import { theme } from "~/core/prefs";

const asks = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
const systemIsDark = signal(asks?.matches ?? true);
asks?.addEventListener("change", (event) => {
  systemIsDark.value = event.matches;
});

/** Whether the page is dark now. */
export const isDark = computed(() =>
  theme.value === "auto" ? systemIsDark.value : theme.value === "dark",
);

effect(() => {
  if (typeof document !== "undefined") {
    document.documentElement.dataset["theme"] = isDark.value ? "dark" : "light";
  }
});

/** The other one of both. */
export function toggleTheme(): void {
  theme.value = isDark.value ? "light" : "dark";
}
