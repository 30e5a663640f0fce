/** An upload of many files: what waits, what goes, and what became of each. */

import { computed, signal } from "@preact/signals";
import { OfflineError, ProblemError } from "~/core/api/problem";
import type { Found } from "./files";
import {
  type Outcome,
  outcomes,
  outcomesOfProblem,
  type Reply,
  sentName,
} from "./outcome";
import { isSideFile, parcels, shares } from "./parcels";

/** Sends files as `postFiles` does. */
export type Post = (
  files: readonly Blob[],
  told: (sent: number) => void,
  abort: AbortSignal,
) => Promise<Reply>;

/** One file of an upload. */
export interface Item {
  readonly id: number;
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly state: "waiting" | "sending" | "done";
  /** 0..1 of it has gone. */
  readonly share: number;
  readonly outcome: Outcome | null;
}

/** Requests at a time: the next is read from the disk while one is on the line. */
const AT_ONCE = 2;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 20_000;
/** The service cannot take more just now (Retry-After), or wants a log-in first. */
const BUSY = [401, 429, 502, 503, 504];
const TOO_LARGE = 413;

/** The upload of this page; it goes on while one looks at other pages. */
export class UploadQueue {
  readonly items = signal<readonly Item[]>([]);
  /** Seconds are lost: it is tried again by itself. */
  readonly isStalled = signal(false);
  readonly isBusy = computed(() =>
    this.items.value.some(({ state }) => state !== "done"),
  );
  /** Studies that something was stored in, in their order. */
  readonly studies = computed(() => [
    ...new Set(this.items.value.flatMap(({ outcome }) => outcome?.studies ?? [])),
  ]);

  private readonly files = new Map<number, File>();
  private waiting: number[][] = [];
  private running = 0;
  private count = 0;
  private abort = new AbortController();

  constructor(private readonly post: Post) {}

  /**
   * Put files behind those that wait; files that are known to be no images are left out.
   *
   * @param lost paths of files that this machine does not give: they are told, not sent.
   */
  add(found: readonly Found[], lost: readonly string[] = []): void {
    const added = found
      .filter(({ file }) => found.length === 1 || !isSideFile(file))
      .map(({ file, path }) => this.itemOf(file, path));
    const notSent = lost.map((path) => this.lostItemOf(path));
    this.items.value = [...this.items.value, ...notSent, ...added];
    this.waiting.push(...parcels(added).map((parcel) => parcel.map(({ id }) => id)));
    this.start();
  }

  /** Stop; what is stored stays stored, what waits is taken out of the list. */
  cancel(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.waiting = [];
    this.isStalled.value = false;
    this.items.value = this.items.value.filter(({ state }) => state === "done");
    this.forgetFiles();
  }

  /** Take what is done out of the list. */
  clear(): void {
    this.items.value = this.items.value.filter(({ state }) => state !== "done");
  }

  private itemOf(file: File, path: string): Item {
    this.count += 1;
    this.files.set(this.count, file);
    const { name, size } = file;
    return {
      id: this.count,
      name,
      path,
      size,
      state: "waiting",
      share: 0,
      outcome: null,
    };
  }

  private lostItemOf(path: string): Item {
    this.count += 1;
    const name = path.split("/").at(-1) ?? path;
    const known = { id: this.count, name, path, size: 0 };
    return { ...known, state: "done", share: 1, outcome: unreadable() };
  }

  private start(): void {
    while (this.running < AT_ONCE) {
      const parcel = this.waiting.shift();
      if (!parcel) return;
      this.running += 1;
      void this.send(parcel, this.abort.signal).finally(() => {
        this.running -= 1;
        this.start();
      });
    }
  }

  private async send(parcel: readonly number[], abort: AbortSignal): Promise<void> {
    let left = parcel;
    let pause = FIRST_PAUSE_MS;
    while (!abort.aborted && left.length > 0) {
      const names = left.map((_, at) => sentName(at));
      try {
        const reply = await this.once(left, abort);
        if (!abort.aborted) this.end(left, outcomes(names, reply.entries));
        return;
      } catch (error) {
        if (abort.aborted) return;
        this.set(left, () => ({ state: "waiting", share: 0 }));
        if (isForNow(error)) {
          left = await this.withoutUnreadable(left);
          if (left.length === 0 || abort.aborted) return;
          this.isStalled.value = true;
          await pauseOf(pause, abort);
          pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
        } else if (isTooLarge(error) && left.length > 1) {
          const half = Math.ceil(left.length / 2);
          this.waiting.unshift(left.slice(0, half), left.slice(half));
          return;
        } else {
          this.end(left, failures(names, error));
          return;
        }
      }
    }
  }

  /**
   * A file that was moved or changed since it was chosen breaks its request just as a
   * lost line does: without a look it would be sent again for ever.
   */
  private async withoutUnreadable(parcel: readonly number[]): Promise<readonly number[]> {
    const areReadable = await Promise.all(
      parcel.map((id) => isReadable(this.files.get(id))),
    );
    const lost = parcel.filter((_, at) => !areReadable[at]);
    if (lost.length > 0) this.end(lost, lost.map(unreadable));
    return parcel.filter((_, at) => areReadable[at]);
  }

  private async once(parcel: readonly number[], abort: AbortSignal): Promise<Reply> {
    const files = parcel.flatMap((id) => this.files.get(id) ?? []);
    this.set(parcel, () => ({ state: "sending" }));
    const told = (sent: number) => {
      const each = shares(files, sent);
      if (!abort.aborted) this.set(parcel, (at) => ({ share: each[at] ?? 0 }));
    };
    const reply = await this.post(files, told, abort);
    this.isStalled.value = false;
    return reply;
  }

  private end(parcel: readonly number[], all: readonly Outcome[]): void {
    this.set(parcel, (at) => ({ state: "done", share: 1, outcome: all[at] ?? null }));
    for (const id of parcel) this.files.delete(id);
  }

  private set(parcel: readonly number[], words: (at: number) => Partial<Item>): void {
    const places = new Map(parcel.map((id, at) => [id, at]));
    this.items.value = this.items.value.map((item) => {
      const at = places.get(item.id);
      return at === undefined ? item : { ...item, ...words(at) };
    });
  }

  private forgetFiles(): void {
    const left = new Set(this.items.value.map(({ id }) => id));
    for (const id of this.files.keys()) if (!left.has(id)) this.files.delete(id);
  }
}

function isForNow(error: unknown): boolean {
  if (error instanceof OfflineError) return true;
  return error instanceof ProblemError && BUSY.includes(error.status);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof ProblemError && error.status === TOO_LARGE;
}

function failures(names: readonly string[], error: unknown): readonly Outcome[] {
  if (error instanceof ProblemError) return outcomesOfProblem(names, error);
  const reason = error instanceof Error ? error.message : String(error);
  return names.map(() => ({ kind: "refused", reason, studies: [] }));
}

function unreadable(): Outcome {
  return { kind: "unreadable", reason: "", studies: [] };
}

/** Whether this machine still gives the file as it was when it was chosen. */
async function isReadable(file: File | undefined): Promise<boolean> {
  try {
    await file?.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function pauseOf(ms: number, abort: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      abort.removeEventListener("abort", end);
      done();
    };
    const timer = setTimeout(end, ms);
    abort.addEventListener("abort", end);
  });
}
