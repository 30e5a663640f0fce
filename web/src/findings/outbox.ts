/**
 * Words on their way to the service: each is shown at once, can be taken back for a
 * moment, is sent under one key however often it is tried, and outlives a reload.
 */

import { effect, type Signal, signal } from "@preact/signals";
import { OfflineError, ProblemError } from "~/core/api/problem";

/** How long a word can be taken back before it is sent. */
export const HOLD_MS = 4_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/** Something to send; `about` is what it replaces while it is held: the finding's key. */
export interface Letter<T> {
  /** Idempotency key: the same for every try. */
  readonly key: string;
  readonly about: string;
  readonly body: T;
  /**
   * held: it can be taken back; ready: its turn comes; lost: the service could not be
   * reached and it is tried again; refused: see `problem`.
   */
  readonly state: "held" | "ready" | "lost" | "refused";
  readonly problem: string;
}

/** Sends one; resolves when the service has it. */
export type Post<T> = (letter: Letter<T>) => Promise<void>;

/** Letters in order, one on its way at a time. */
export class Outbox<T> {
  /** Kept by the caller (`draft`), so that it outlives a reload. */
  readonly letters: Signal<readonly Letter<T>[]>;
  /** Key of the one that is on its way. */
  readonly sending = signal<string | null>(null);
  private pause = FIRST_PAUSE_MS;
  private timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    letters: Signal<readonly Letter<T>[]>,
    private readonly post: Post<T>,
    private readonly explain: (error: unknown) => string,
  ) {
    this.letters = letters;
    // Whatever a former page held or lost is past its time to be taken back.
    this.retry();
    this.release();
  }

  /** Put a letter in; it replaces one about the same thing that is still held. */
  put(key: string, about: string, body: T): void {
    const others = this.letters.value.filter(
      (each) => each.about !== about || each.state !== "held",
    );
    this.letters.value = [...others, { key, about, body, state: "held", problem: "" }];
    this.after(HOLD_MS, () => this.release(key));
  }

  /** Take the newest held letter back; null if there is none. */
  takeBack(): Letter<T> | null {
    const last = this.letters.value.findLast((each) => each.state === "held");
    if (!last) return null;
    this.drop(last.key);
    return last;
  }

  /** Forget a letter that was refused or is not wanted any more. */
  drop(key: string): void {
    this.letters.value = this.letters.value.filter((each) => each.key !== key);
  }

  /** Send what is held now, all of it or one. */
  release(key?: string): void {
    this.letters.value = this.letters.value.map((each) =>
      each.state === "held" && (!key || each.key === key)
        ? { ...each, state: "ready" }
        : each,
    );
    void this.work();
  }

  /** Try again what was lost, or one that was refused. */
  retry(key?: string): void {
    this.pause = FIRST_PAUSE_MS;
    this.letters.value = this.letters.value.map((each) =>
      each.state === "lost" || each.key === key
        ? { ...each, state: "ready", problem: "" }
        : each,
    );
    void this.work();
  }

  /** Resolves when nothing is left that could be sent now. */
  settled(): Promise<void> {
    this.release();
    return new Promise((resolve) => {
      const stop = effect(() => {
        const isBusy = this.letters.value.some((each) => each.state === "ready");
        if (isBusy || this.sending.value) return;
        queueMicrotask(() => stop());
        resolve();
      });
    });
  }

  /** End all waiting; what is not sent stays in `letters`. */
  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
  }

  private async work(): Promise<void> {
    if (this.sending.value) return;
    for (;;) {
      const next = this.letters.value.find((each) => each.state === "ready");
      if (!next) return;
      this.sending.value = next.key;
      try {
        await this.post(next);
        this.drop(next.key);
        this.pause = FIRST_PAUSE_MS;
      } catch (error) {
        this.failed(next.key, error);
      } finally {
        this.sending.value = null;
      }
    }
  }

  private failed(key: string, error: unknown): void {
    const isLost = error instanceof OfflineError || isPassing(error);
    const state = isLost ? "lost" : "refused";
    const problem = this.explain(error);
    this.letters.value = this.letters.value.map((each) =>
      // Order is kept: what follows one that was lost waits for it.
      each.key === key || (isLost && each.state === "ready")
        ? { ...each, state, problem }
        : each,
    );
    if (!isLost) return;
    this.after(this.pause, () => this.retryLost());
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS);
  }

  private retryLost(): void {
    this.letters.value = this.letters.value.map((each) =>
      each.state === "lost" ? { ...each, state: "ready", problem: "" } : each,
    );
    void this.work();
  }
}

/** Failures that pass by themselves. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof ProblemError && [408, 425, 429, 502, 503, 504].includes(error.status)
  );
}
