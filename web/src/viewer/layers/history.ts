/** Steps of an edit that can be undone and done again, within a bound of memory. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";

/** One step: what undoes it and what does it again. */
export interface Step {
  readonly undo: () => void;
  readonly redo: () => void;
  /** What it holds in memory. */
  readonly bytes: number;
}

/** The steps of one edit. */
export interface History {
  readonly add: (step: Step) => void;
  readonly undo: () => void;
  readonly redo: () => void;
  readonly clear: () => void;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canRedo: ReadonlySignal<boolean>;
}

const MOST_STEPS = 100;

/** An empty history; the oldest steps are forgotten when `mostBytes` are held. */
export function createHistory(mostBytes = 128e6): History {
  const past = signal<readonly Step[]>([]);
  const future = signal<readonly Step[]>([]);
  const move = (from: typeof past, to: typeof past, how: "undo" | "redo") => {
    const step = from.value.at(-1);
    if (!step) return;
    from.value = from.value.slice(0, -1);
    to.value = [...to.value, step];
    step[how]();
  };
  return {
    add: (step) => {
      let kept = [...past.value, step].slice(-MOST_STEPS);
      while (kept.length > 1 && sum(kept) > mostBytes) kept = kept.slice(1);
      past.value = kept;
      future.value = [];
    },
    undo: () => move(past, future, "undo"),
    redo: () => move(future, past, "redo"),
    clear: () => {
      past.value = [];
      future.value = [];
    },
    canUndo: computed(() => past.value.length > 0),
    canRedo: computed(() => future.value.length > 0),
  };
}

function sum(steps: readonly Step[]): number {
  return steps.reduce((total, { bytes }) => total + bytes, 0);
}
