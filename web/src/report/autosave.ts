/**
 * A report that is being written: saved a second after the last key, kept in this tab
 * while the line is down, and never written over what another tab saved.
 */

import { type Signal, signal } from "@preact/signals";
import { OfflineError, ProblemError } from "~/core/api/problem";
import type { Lang } from "~/core/text/lang";
import { type Content, type Draft, isSame } from "./content";

export const PAUSE_MS = 1_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 15_000;

/** What this tab knows of the draft. */
export interface Kept {
  /** The newest on the service that was seen; 0 for none. */
  readonly revision: number;
  readonly content: Content;
  /** True while the service does not have it. */
  readonly isDirty: boolean;
  /** What was written in the other language. */
  readonly others: Partial<Record<Lang, Content>>;
}

/**
 * clean: nothing was typed; typing, saving, saved; lost: no connection, tried again by
 * itself; conflict: another tab saved, see `theirs`; refused: see `problem`.
 */
export type SaveState =
  | "clean"
  | "typing"
  | "saving"
  | "saved"
  | "lost"
  | "conflict"
  | "refused";

/** The service, as a draft needs it. */
export interface DraftService {
  readonly put: (revision: number, content: Content) => Promise<Draft>;
  readonly read: () => Promise<Draft | null>;
  readonly explain: (error: unknown) => string;
}

/** One reader's draft of one report. */
export class Autosave {
  readonly state = signal<SaveState>("clean");
  /** ISO moment of the last save. */
  readonly savedAt = signal("");
  readonly problem = signal("");
  /** What another tab saved meanwhile; null where its draft is gone. */
  readonly theirs = signal<Draft | null>(null);
  private timer: ReturnType<typeof setTimeout> | undefined;
  private saving: Promise<void> | null = null;
  private retryMs = FIRST_RETRY_MS;

  constructor(
    readonly kept: Signal<Kept>,
    private readonly service: DraftService,
  ) {}

  /** Take what the service has, unless this tab holds something that it has not. */
  open(found: Draft | null): void {
    const { isDirty, revision } = this.kept.peek();
    const newest = found?.revision ?? 0;
    if (!isDirty) {
      if (found) this.take(found);
      return;
    }
    if (found && newest !== revision) {
      this.meet(found);
      return;
    }
    // Nothing there: it was dropped elsewhere, or never got there. Ours is all there is.
    this.kept.value = { ...this.kept.peek(), revision: newest };
    this.later(0);
  }

  /** The reader typed. */
  change(content: Content): void {
    if (isSame(content, this.kept.peek().content)) return;
    this.kept.value = { ...this.kept.peek(), content, isDirty: true };
    if (this.state.peek() === "conflict") return;
    this.state.value = "typing";
    this.later(PAUSE_MS);
  }

  /** Go on in the other language; what was written in this one is kept. */
  turnTo(content: Content): void {
    const { content: before, others } = this.kept.peek();
    this.kept.value = {
      ...this.kept.peek(),
      others: { ...others, [before.lang]: before },
    };
    this.change(content);
  }

  /** Write ours over theirs. */
  keepMine(): void {
    this.kept.value = {
      ...this.kept.peek(),
      revision: this.theirs.peek()?.revision ?? 0,
      isDirty: true,
    };
    this.theirs.value = null;
    this.state.value = "typing";
    this.later(0);
  }

  /** Let ours go and go on with theirs. */
  takeTheirs(): void {
    const theirs = this.theirs.peek();
    if (!theirs) return;
    this.theirs.value = null;
    this.take(theirs);
  }

  /** Save now what is not saved; also after a lost line. */
  saveNow(): void {
    if (this.kept.peek().isDirty && this.state.peek() !== "conflict") this.later(0);
  }

  /**
   * What the service holds, which another tab may have saved: ours, or both are shown.
   *
   * @returns true where it is ours, or nothing: a save or a signature may be tried again.
   */
  meet(found: Draft | null): boolean {
    if (found?.revision === this.kept.peek().revision) return true;
    if (found && !isSame(found.content, this.kept.peek().content)) {
      this.conflict(found);
      return false;
    }
    if (found) this.take(found);
    else this.kept.value = { ...this.kept.peek(), revision: 0 };
    return true;
  }

  /**
   * A version was kept, and with it the draft is gone on the service.
   *
   * @param content of the version.
   * @returns true where the reader typed on since: that is saved as a new draft.
   */
  beginAnew(content: Content): boolean {
    this.theirs.value = null;
    const { content: now, isDirty, revision } = this.kept.peek();
    if (isSame(now, content) || (!isDirty && revision === 0)) {
      this.state.value = "clean";
      return false;
    }
    // What was saved in between is a new draft on the service already.
    if (isDirty) this.kept.value = { ...this.kept.peek(), revision: 0 };
    this.state.value = isDirty ? "typing" : "saved";
    this.saveNow();
    return true;
  }

  /** Stop saving; resolves when nothing is on its way any more. */
  async pause(): Promise<void> {
    clearTimeout(this.timer);
    await this.saving;
    clearTimeout(this.timer);
  }

  private take(draft: Draft): void {
    this.kept.value = {
      revision: draft.revision,
      content: draft.content,
      isDirty: false,
      others: this.kept.peek().others,
    };
    this.savedAt.value = draft.saved_at;
    this.state.value = "saved";
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.saving ??= this.save().finally(() => {
        this.saving = null;
      });
    }, ms);
  }

  private async save(): Promise<void> {
    const { revision, content } = this.kept.peek();
    this.state.value = "saving";
    try {
      const draft = await this.service.put(revision, content);
      this.retryMs = FIRST_RETRY_MS;
      this.savedAt.value = draft.saved_at;
      const isCurrent = isSame(this.kept.peek().content, content);
      this.kept.value = {
        ...this.kept.peek(),
        revision: draft.revision,
        isDirty: !isCurrent,
      };
      this.state.value = isCurrent ? "saved" : "typing";
      if (!isCurrent) this.later(PAUSE_MS);
    } catch (error) {
      await this.failed(error);
    }
  }

  private async failed(error: unknown): Promise<void> {
    this.problem.value = this.service.explain(error);
    if (error instanceof ProblemError && error.kind === "draft-changed") {
      try {
        const found = await this.service.read();
        // Our own save whose reply was lost: nobody else wrote.
        if (found && isSame(found.content, this.kept.peek().content)) this.take(found);
        else this.conflict(found);
        return;
      } catch {
        // It can be asked again when the line is back.
      }
    } else if (!(error instanceof OfflineError) && !isPassing(error)) {
      this.state.value = "refused";
      return;
    }
    this.state.value = "lost";
    this.later(this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, LONGEST_RETRY_MS);
  }

  private conflict(theirs: Draft | null): void {
    this.theirs.value = theirs;
    this.state.value = "conflict";
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof ProblemError && (error.status === 429 || error.status >= 500);
}
