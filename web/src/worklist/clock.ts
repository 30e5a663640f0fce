/** What the time is, for words such as "5 min ago" that grow old on a page left open. */

import { signal } from "@preact/signals";
import { ago } from "~/core/text/format";

const TICK_MS = 20_000;

const now = signal(Date.now());

/** Keep the time current while the page is there; returns what ends it. */
export function tick(): () => void {
  now.value = Date.now();
  const timer = setInterval(() => {
    now.value = Date.now();
  }, TICK_MS);
  return () => clearInterval(timer);
}

/** "5 min ago"; what came since the last tick, or by a clock ahead of ours, is now. */
export function since(iso: string): string {
  return ago(iso, { now: Math.max(now.value, Date.parse(iso)), isShort: true });
}
