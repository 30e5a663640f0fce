/** The list as it is held: pages from the service, kept current by what is heard. */

import { computed, signal } from "@preact/signals";
import type { JobEvent, StudyEvent } from "~/core/events";
import type { Order } from "./query";
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
  /** Only this study, whatever the filters say. */
  readonly studyUid?: string;
}

export type Asker = (page: Page, abort: AbortSignal) => Promise<Lines>;

/** Lines of one page. */
export const PAGE = 50;
/** Most lines that the service gives at once. */
const MOST = 500;
/** Changes of up to so many lines are asked for one by one. */
const FEW = 4;
/** Changes within this time are asked for together. */
const GATHER_MS = 500;
/** States after which a line says more than its state. */
const TELLING = ["receiving", "answered", "refused", "failed"];

const NOTHING: Lines = { studies: [], next: null };

/** The list that is shown now. */
export class StudyList {
  readonly lines = signal<Lines>(NOTHING);
  /** "first": nothing is there yet; "more": the next page is on its way. */
  readonly loading = signal<"" | "first" | "more">("first");
  readonly error = signal<unknown>(null);
  /** Studies that came in while the list was looked at and were not seen yet. */
  readonly fresh = signal<readonly number[]>([]);
  /** Study → 0..1 of its answer. */
  readonly progress = signal<ReadonlyMap<number, number>>(new Map());
  /** Whether changes have put a line where the order would not put it. */
  readonly isOutOfOrder = computed(() =>
    isOutOfOrder(this.lines.value, this.order.value),
  );

  private readonly order = signal<Order>("urgent");
  private ask: Asker = async () => NOTHING;
  /** Ends with the question that the list answers. */
  private question = new AbortController();
  private loads = new AbortController();
  private touched = new Set<number>();

  /** Ask for other lines: from the start, at least `count` of them. */
  async open(ask: Asker, order: Order, count = PAGE): Promise<void> {
    this.ask = ask;
    this.order.value = order;
    await this.start(count);
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
    if (there) this.lines.value = patch(this.lines.value, [heard(there, event)]);
    if (there && !TELLING.includes(event.state)) return;
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
    const count = this.lines.value.studies.length;
    await this.read({ limit: Math.min(MOST, Math.max(PAGE, count)) }, true);
  }

  /** What came in was seen. */
  seen(): void {
    if (this.fresh.value.length > 0) this.fresh.value = [];
  }

  remove(study: number): void {
    this.lines.value = drop(this.lines.value, study);
    this.fresh.value = this.fresh.value.filter((each) => each !== study);
  }

  /** Words of a line that are known before the service tells them. */
  change(study: number, words: Partial<Study>): void {
    const there = this.lines.value.studies.find((each) => each.id === study);
    if (there) this.lines.value = patch(this.lines.value, [{ ...there, ...words }]);
  }

  private async start(count: number): Promise<void> {
    this.question.abort();
    this.question = new AbortController();
    const limit = Math.min(MOST, Math.max(PAGE, count));
    await this.load({ limit }, "first", (got) => {
      this.lines.value = got;
      this.fresh.value = [];
    });
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
    try {
      const got = await this.ask(page, mine.signal);
      if (mine.signal.aborted) return;
      put(got);
      this.error.value = null;
    } catch (reason) {
      if (!mine.signal.aborted) this.error.value = reason;
    } finally {
      if (!mine.signal.aborted) this.loading.value = "";
    }
  }

  /** Ask for lines that changed: few one by one, many with a page. */
  private async readTouched(): Promise<void> {
    const touched = [...this.touched];
    this.touched.clear();
    const there = new Map(this.lines.value.studies.map((each) => [each.id, each]));
    const known = touched.flatMap((id) => there.get(id) ?? []);
    if (known.length > FEW) return this.onReset();
    const asks = known.map((each) =>
      this.read({ limit: 1, studyUid: each.study_uid }, false),
    );
    if (known.length < touched.length) asks.push(this.read({ limit: PAGE }, true));
    await Promise.all(asks);
  }

  /** Newer words of lines; where it fails, the next change or `onReset` asks again. */
  private async read(page: Page, mayInsert: boolean): Promise<void> {
    const mine = this.question.signal;
    const got = await this.ask(page, mine).catch(() => NOTHING);
    if (mine.aborted) return;
    const patched = patch(this.lines.value, got.studies);
    if (!mayInsert) {
      this.lines.value = patched;
      return;
    }
    const { lines, added } = insert(patched, got.studies, this.order.value);
    this.lines.value = lines;
    if (added.length > 0) this.fresh.value = [...this.fresh.value, ...added];
  }
}

/** A line with what an event says of it; the rest is asked for. */
function heard(line: Study, event: StudyEvent): Study {
  const isSignedNow = event.reading === "signed" && line.reading !== "signed";
  return {
    ...line,
    state: event.state as Study["state"],
    reading: event.reading as Study["reading"],
    // A study that is unread again keeps the moment of its signature.
    read_at: isSignedNow ? event.changed_at : line.read_at,
    urgency: event.urgency,
    changed_at: event.changed_at,
  };
}
