/** Playing a stack: how fast, and which image comes next. */

import { computed, effect, type Signal, signal } from "@preact/signals";
import type { Desk } from "../stack/desk";
import type { Pane } from "../stack/pane_state";

export const RATES = [1, 2, 5, 8, 10, 15, 20, 25, 30, 40, 50, 60] as const;
const USUAL = 10;

/** Whether the active pane plays, and how fast. */
export interface Cine {
  readonly isPlaying: Signal<boolean>;
  /** Images a second that a reader chose; null: as the file says. */
  readonly rate: Signal<number | null>;
}

export function createCine(): Cine {
  return { isPlaying: signal(false), rate: signal<number | null>(null) };
}

/** Images a second: chosen, else of the file, else ten. */
export function rateOf(cine: Cine, pane: Pane): number {
  const time = pane.image.value?.frameTime;
  const own = time ? Math.min(60, Math.max(1, Math.round(1000 / time))) : USUAL;
  return cine.rate.value ?? own;
}

/** The next rate of the row, up or down; ends where the row ends. */
export function nextRate(rate: number, up: boolean): number {
  const found = up
    ? RATES.find((each) => each > rate)
    : [...RATES].reverse().find((each) => each < rate);
  return found ?? (up ? RATES[RATES.length - 1] : RATES[0]) ?? rate;
}

/**
 * Play while asked to: the next image comes when its time has come and it is loaded, so that
 * none is left out; after the last comes the first.
 */
export function keepPlaying(desk: Desk, cine: Cine): () => void {
  // Only another rate begins anew, not each image that comes.
  const rate = computed(() => rateOf(cine, desk.activePane.value));
  return effect(() => {
    const pane = desk.activePane.value;
    const count = pane.images.value.length;
    if (!cine.isPlaying.value || count < 2) return undefined;
    const pause = 1000 / rate.value;
    let due = performance.now() + pause;
    let isOver = false;
    const tick = (now: number) => {
      if (isOver) return;
      if (now >= due && pane.progress.peek().kind !== "loading") {
        due = Math.max(due + pause, now);
        pane.heading.value = 1;
        pane.index.value = (pane.index.peek() + 1) % count;
      }
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    return () => {
      isOver = true;
    };
  });
}
