/** Requests in the order in which they are needed, a few at a time. */

/** A request that waits or runs. */
interface Entry<T> {
  readonly key: string;
  readonly load: (abort: AbortSignal) => Promise<T>;
  readonly abort: AbortController;
  readonly promise: Promise<T>;
  readonly settle: (outcome: Promise<T>) => void;
  rank: number;
  isRunning: boolean;
}

/** Nobody wants it any more. */
export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Lower ranks go first; `URGENT` is what somebody is looking for right now. */
export const URGENT = 0;

/** A queue of loads by key; the same key is loaded once. */
export class Queue<T> {
  private readonly entries = new Map<string, Entry<T>>();

  /**
   * @param most that run at a time.
   * @param spare of these, kept free for what is urgent.
   */
  constructor(
    readonly most = 5,
    readonly spare = 2,
  ) {}

  get size(): number {
    return this.entries.size;
  }

  /** Wait for a load; a lower rank than before moves it forward. */
  want(key: string, rank: number, load: (abort: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.entries.get(key);
    if (known) {
      known.rank = Math.min(known.rank, rank);
      this.start();
      return known.promise;
    }
    let settle: (outcome: Promise<T>) => void = () => {};
    const promise = new Promise<T>((resolve) => {
      settle = resolve;
    });
    promise.catch(() => {}); // a prefetch that fails is nobody's surprise
    const abort = new AbortController();
    this.entries.set(key, {
      key,
      load,
      abort,
      promise,
      settle,
      rank,
      isRunning: false,
    });
    this.start();
    return promise;
  }

  /** Give everything a new rank; what gets null is dropped, also where it runs. */
  rerank(rankOf: (key: string) => number | null): void {
    for (const entry of [...this.entries.values()]) {
      const rank = rankOf(entry.key);
      if (rank !== null) entry.rank = rank;
      else this.drop(entry);
    }
    this.start();
  }

  private drop(entry: Entry<T>): void {
    this.entries.delete(entry.key);
    entry.abort.abort();
    if (!entry.isRunning) {
      entry.settle(Promise.reject(new DOMException("not wanted", "AbortError")));
    }
  }

  private start(): void {
    const waiting = [...this.entries.values()]
      .filter((entry) => !entry.isRunning)
      .sort((a, b) => a.rank - b.rank);
    let running = this.entries.size - waiting.length;
    for (const entry of waiting) {
      const room = entry.rank === URGENT ? this.most : this.most - this.spare;
      if (running >= room) return;
      running += 1;
      this.begin(entry);
    }
  }

  private begin(entry: Entry<T>): void {
    entry.isRunning = true;
    const outcome = entry.load(entry.abort.signal);
    entry.settle(outcome);
    const done = () => {
      if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key);
      this.start();
    };
    outcome.then(done, done);
  }
}
