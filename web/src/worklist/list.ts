/** The list as it is held: pages from the service, kept current by what is heard. */

import { computed, signal } from "@preact/signals";
import type { JobEvent, StudyEvent } from "~/core/events";
import type { Order } from "~/core/filters";
import {
  append,
  drop,
  insert,
  isOutOfOrder,
  type Lines,
  patch,
  type Study,
} from "./rows";

/** What is asked of the service; the rest of the question is the caller's. */
export interface Page {
  readonly limit: number;
  readonly cursor?: string;
  /** Only these studies. */
  readonly ids?: readonly number[];
  /** Whatever the filters say. */
  readonly isAny?: boolean;
}

export type Asker = (page: Page, abort: AbortSignal) => Promise<Lines>;

/** What a list answers. */
export interface Question {
  readonly ask: Asker;
  readonly order: Order;
  /** Whether filters leave studies out. */
  readonly isNarrowed?: boolean;
  /** Lines that are wanted at least. */
  readonly count?: number;
}

/** Lines of one page. */
export const PAGE = 50;
/** Most lines that the service gives at once. */
const MOST = 500;
/** Most studies that one question names (docs/api.md). */
const MOST_NAMED = 100;
/** Changes within this time are asked for together. */
const GATHER_MS = 500;
/** States after which a line says more than its state. */
const TELLING = ["receiving", "answered", "refused", "failed"];

const NOTHING: Lines = { studies: [], next: null };
const NONE: ReadonlySet<number> = new Set();

/** The list that is shown now. */
export class StudyList {
  readonly lines = signal<Lines>(NOTHING);
  /** "first": lines of this question are not there yet; "more": the next page comes. */
  readonly loading = signal<"" | "first" | "more">("first");
  readonly error = signal<unknown>(null);
  /** Studies that came in while the list was looked at and were not seen yet. */
  readonly fresh = signal<readonly number[]>([]);
  /** Lines that stay where they are read, and that the filters do not hold any more. */
  readonly left = signal<ReadonlySet<number>>(NONE);
  /** Study → 0..1 of its answer. */
  readonly progress = signal<ReadonlyMap<number, number>>(new Map());
  /** Counts how often all lines were put in their true order. */
  readonly times = signal(0);
  /** Whether asking anew would show other lines, or put them elsewhere. */
  readonly isOutOfOrder = computed(
    () =>
      this.left.value.size > 0 ||
      isOutOfOrder(this.lines.value, this.question.value.order),
  );

  private readonly question = signal<Question>({
    ask: async () => NOTHING,
    order: "urgent",
  });
  /** Ends with the question that the list answers. */
  private asking = new AbortController();
  private loads = new AbortController();
  private touched = new Set<number>();
  /** Counts questions and events, in the order in which they were asked and heard. */
  private clock = 0;
  /** Study → count of the question or event that its words are of. */
  private words = new Map<number, number>();

  /** Ask for other lines, from the start; those of before stay until they are there. */
  async open(question: Question): Promise<void> {
    this.question.value = question;
    await this.start(question.count ?? PAGE);
    // Lines that answer another question than the page shows would be a lie.
    const isMine = this.question.value === question;
    if (isMine && this.error.value !== null) this.put(NOTHING);
  }

  /** Ask anew for what is there, in its true order. */
  async again(): Promise<void> {
    await this.start(this.lines.value.studies.length);
  }

  /** The next page, where there is one and none is on its way. */
  async more(): Promise<void> {
    const cursor = this.lines.value.next;
    if (cursor === null || this.loading.value !== "") return;
    await this.load({ limit: PAGE, cursor }, "more", (got) => {
      this.lines.value = append(this.lines.value, got);
    });
  }

  /** A line changed, or a study came. */
  onStudy(event: StudyEvent): void {
    const there = this.lines.value.studies.find((each) => each.id === event.id);
    if (there) {
      this.clock += 1;
      this.words.set(event.id, this.clock);
      this.lines.value = patch(this.lines.value, [heard(there, event)]);
    }
    const isTold = there !== undefined && !TELLING.includes(event.state);
    if (isTold && !this.question.value.isNarrowed) return;
    if (this.touched.size === 0) setTimeout(() => void this.readTouched(), GATHER_MS);
    this.touched.add(event.id);
  }

  /** An answer goes on. */
  onJob(event: JobEvent): void {
    if (event.kind !== "answer" || event.study_id === null) return;
    const changed = new Map(this.progress.value);
    if (event.state === "leased") changed.set(event.study_id, event.progress);
    else changed.delete(event.study_id);
    this.progress.value = changed;
  }

  /** Something may have been missed: read what is there anew, and leave it in place. */
  async onReset(): Promise<void> {
    this.progress.value = new Map();
    const known = this.lines.value.studies.slice(0, MOST).map((each) => each.id);
    const mine = this.asking.signal;
    const got = await this.read({ limit: Math.max(PAGE, known.length) });
    if (got === null || mine.aborted) return;
    this.take(got);
    const found = new Set(got.map((each) => each.id));
    this.unleave(found);
    await this.readNamed(known.filter((each) => !found.has(each)));
  }

  /** What came in was seen: all of it, or some. */
  seen(some: readonly number[] = this.fresh.value): void {
    if (some.length === 0) return;
    this.fresh.value = this.fresh.value.filter((each) => !some.includes(each));
  }

  remove(study: number): void {
    this.lines.value = drop(this.lines.value, [study]);
    this.seen([study]);
    this.unleave(new Set([study]));
  }

  private async start(count: number): Promise<void> {
    this.asking.abort();
    this.asking = new AbortController();
    const limit = Math.min(MOST, Math.max(PAGE, count));
    await this.load({ limit }, "first", (got) => this.put(got));
  }

  private put(lines: Lines): void {
    this.lines.value = lines;
    this.fresh.value = [];
    this.left.value = NONE;
    this.times.value += 1;
  }

  private async load(
    page: Page,
    kind: "first" | "more",
    put: (got: Lines) => void,
  ): Promise<void> {
    this.loads.abort();
    const mine = new AbortController();
    this.loads = mine;
    this.loading.value = kind;
    this.clock += 1;
    const asked = this.clock;
    try {
      const got = await this.question.value.ask(page, mine.signal);
      if (mine.signal.aborted) return;
      put({ ...got, studies: this.newest(got.studies, asked) });
      this.error.value = null;
    } catch (reason) {
      if (!mine.signal.aborted) this.error.value = reason;
    } finally {
      if (!mine.signal.aborted) this.loading.value = "";
    }
  }

  /** Ask for what changed: few by their numbers, a flood as after a gap. */
  private async readTouched(): Promise<void> {
    const touched = [...this.touched];
    this.touched.clear();
    if (touched.length > MOST_NAMED) await this.onReset();
    else await this.readNamed(touched);
  }

  /** Newer words of studies; those that are new to the list are put in. */
  private async readNamed(numbers: readonly number[]): Promise<void> {
    for (let at = 0; at < numbers.length; at += MOST_NAMED) {
      await this.readSome(numbers.slice(at, at + MOST_NAMED));
    }
  }

  private async readSome(ids: readonly number[]): Promise<void> {
    const { isNarrowed } = this.question.value;
    const mine = this.asking.signal;
    const page = { limit: ids.length, ids };
    const [held, any] = await Promise.all([
      this.read(page),
      isNarrowed ? this.read({ ...page, isAny: true }) : null,
    ]);
    const all = isNarrowed ? any : held;
    if (held === null || all === null || mine.aborted) return;
    const isThere = new Set(all.map((each) => each.id));
    const isHeld = new Set(held.map((each) => each.id));
    this.lines.value = patch(this.lines.value, all);
    for (const each of ids.filter((id) => !isThere.has(id))) this.remove(each);
    this.take(held);
    this.unleave(isHeld);
    this.leave(ids.filter((id) => !isHeld.has(id)));
  }

  /** Studies of the service; null where it failed: a change or a gap asks again. */
  private async read(page: Page): Promise<readonly Study[] | null> {
    this.clock += 1;
    const asked = this.clock;
    try {
      const { studies } = await this.question.value.ask(page, this.asking.signal);
      return this.newest(studies, asked);
    } catch {
      return null;
    }
  }

  /**
   * A reply, with what the list knows better: of two that are on their way the older one
   * may come last. Clocks of machines differ, so that `changed_at` does not tell.
   */
  private newest(got: readonly Study[], asked: number): readonly Study[] {
    const known = new Map(this.lines.value.studies.map((each) => [each.id, each]));
    return got.map((each) => {
      const mine = known.get(each.id);
      if (mine && (this.words.get(each.id) ?? 0) > asked) return mine;
      this.words.set(each.id, asked);
      return each;
    });
  }

  /** Put newer words and new lines into the list. */
  private take(got: readonly Study[]): void {
    const patched = patch(this.lines.value, got);
    const { lines, added } = insert(patched, got, this.question.value.order);
    this.lines.value = lines;
    if (added.length > 0) this.fresh.value = [...this.fresh.value, ...added];
  }

  private leave(numbers: readonly number[]): void {
    const known = new Set(this.lines.value.studies.map((each) => each.id));
    const gone = numbers.filter((each) => known.has(each));
    if (gone.length > 0) this.left.value = new Set([...this.left.value, ...gone]);
  }

  private unleave(back: ReadonlySet<number>): void {
    const left = [...this.left.value].filter((each) => !back.has(each));
    if (left.length < this.left.value.size) this.left.value = new Set(left);
  }
}

/** A line with what an event says of it; the rest is asked for. */
function heard(line: Study, event: StudyEvent): Study {
  return {
    ...line,
    state: event.state as Study["state"],
    reading: event.reading as Study["reading"],
    read_at: event.reading === "signed" ? (line.read_at ?? event.changed_at) : null,
    urgency: event.urgency,
    changed_at: event.changed_at,
  };
}
