/**
 * Measurements on the service: saved a moment after each change, kept in this tab while
 * the line is down, and brought together with what another tab saved.
 */

import { effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { ProblemError } from "~/core/api/problem";
import { isSame, merged } from "./merging";
import type { Kept } from "./shelf";

export const PAUSE_MS = 800;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/** What the service had when this tab last heard of it. */
export interface OnService {
  readonly revision: number;
  readonly shapes: readonly Kept[];
}

/** The service, as measurements need it. */
export interface ShapeService {
  readonly read: () => Promise<OnService>;
  readonly put: (revision: number, shapes: readonly Kept[]) => Promise<OnService>;
}

/**
 * saved: the service has all of it; saving: not yet; lost: no connection, tried again by
 * itself; refused: the service takes none (no right, no such study), they stay in this tab.
 */
export type KeptState = "saved" | "saving" | "lost" | "refused";

/** The measurements of one study on their way to the service and back. */
export class Keeping {
  readonly state = signal<KeptState>("saved");
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;
  private isRead = false;
  private isOver = false;
  private retryMs = FIRST_RETRY_MS;

  constructor(
    private readonly shapes: ReadonlySignal<readonly Kept[]>,
    /** Put others in the place of all, with no step of undo. */
    private readonly adopt: (shapes: readonly Kept[]) => void,
    private readonly known: Signal<OnService>,
    private readonly service: ShapeService,
  ) {}

  /** Read what the service has, then save each change; returns what ends it. */
  start(): () => void {
    this.isOver = false;
    this.later(0);
    const stop = effect(() => {
      if (!this.isRead || this.state.peek() === "refused") return void this.shapes.value;
      if (isSame(this.shapes.value, this.known.peek().shapes)) return;
      this.state.value = "saving";
      this.later(PAUSE_MS);
    });
    return () => {
      this.isOver = true;
      stop();
      clearTimeout(this.timer);
      // What changed a moment ago goes out with whoever leaves the study.
      if (this.isRead && this.state.peek() === "saving") void this.run();
    };
  }

  /** Try now: the line is there again, or the page is about to go. */
  now(): void {
    if (this.state.peek() === "saving" || this.state.peek() === "lost") this.later(0);
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.run(), ms);
  }

  private async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      if (!this.isRead) await this.take();
      await this.send();
      this.retryMs = FIRST_RETRY_MS;
      this.state.value = "saved";
    } catch (error) {
      this.fail(error);
    } finally {
      this.isRunning = false;
    }
    // What was changed while it was on its way.
    const isBehind = !isSame(this.shapes.peek(), this.known.peek().shapes);
    if (this.state.peek() !== "saved" || !isBehind) return;
    this.state.value = "saving";
    if (this.isOver) return await this.run();
    this.later(PAUSE_MS);
  }

  /** What another tab did meanwhile, and what this one did since. */
  private async take(): Promise<void> {
    const found = await this.service.read();
    const ours = this.shapes.peek();
    const all = merged(this.known.peek().shapes, ours, found.shapes);
    this.known.value = found;
    this.isRead = true;
    if (!isSame(all, ours)) this.adopt(all);
  }

  private async send(): Promise<void> {
    const shapes = this.shapes.peek();
    const { revision, shapes: before } = this.known.peek();
    if (isSame(shapes, before)) return;
    this.state.value = "saving";
    try {
      const saved = await this.service.put(revision, shapes);
      this.known.value = { revision: saved.revision, shapes };
    } catch (error) {
      if (!(error instanceof ProblemError && error.kind === "measurements-changed"))
        throw error;
      await this.take();
      await this.send();
    }
  }

  private fail(error: unknown): void {
    const isRefused =
      error instanceof ProblemError &&
      error.status < 500 &&
      ![401, 408, 429].includes(error.status);
    this.state.value = isRefused ? "refused" : "lost";
    if (isRefused || this.isOver) return;
    this.later(this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, LONGEST_RETRY_MS);
  }
}
