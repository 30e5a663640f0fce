import { beforeEach, expect, test, vi } from "vitest";
import type { StudyEvent } from "~/core/events";
import { type Asker, type Page, StudyList } from "./list";
import type { Lines, Study } from "./rows";
import { lineOf } from "./samples";

const event = (id: number, more: Partial<StudyEvent> = {}): StudyEvent => ({
  id,
  state: "running",
  reading: "unread",
  urgency: 0,
  changed_at: "2026-03-04T10:09:00Z",
  ...more,
});

/** A service that holds these studies, in their order, and counts how it was asked. */
function serviceOf(...studies: Study[]) {
  const held = { studies, hidden: [] as Study[], asked: [] as Page[] };
  const ask: Asker = async (page) => {
    held.asked.push(page);
    if (page.ids) {
      const all = page.isAny ? [...held.studies, ...held.hidden] : held.studies;
      return { studies: all.filter((each) => page.ids?.includes(each.id)), next: null };
    }
    const from = Number(page.cursor ?? 0);
    const to = from + page.limit;
    const next = to < held.studies.length ? String(to) : null;
    return { studies: held.studies.slice(from, to), next };
  };
  return { held, ask };
}

const many = (count: number) =>
  Array.from({ length: count }, (_, at) => lineOf(count - at));
const ids = (lines: Lines) => lines.studies.map((each) => each.id);

beforeEach(() => {
  vi.useFakeTimers();
});

test("pages come one after the other until the list is whole", async () => {
  const { ask } = serviceOf(...many(120));
  const list = new StudyList();
  await list.open({ ask, order: "urgent" });
  expect(list.lines.value.studies).toHaveLength(50);
  await list.more();
  await list.more();
  await list.more();
  expect(list.lines.value.studies).toHaveLength(120);
  expect(list.lines.value.next).toBeNull();
});

test("the answer to an older question is not shown", async () => {
  let answerFirst: (lines: Lines) => void = () => {};
  const slow: Asker = () =>
    new Promise((resolve) => {
      answerFirst = resolve;
    });
  const list = new StudyList();
  const first = list.open({ ask: slow, order: "urgent" });
  await list.open({ ask: serviceOf(lineOf(2)).ask, order: "urgent" });
  answerFirst({ studies: [lineOf(1)], next: null });
  await first;
  expect(ids(list.lines.value)).toEqual([2]);
  expect(list.loading.value).toBe("");
});

test("a failure is told, and the next answer ends it", async () => {
  const list = new StudyList();
  await list.open({
    ask: async () => Promise.reject(new Error("down")),
    order: "urgent",
  });
  expect(list.error.value).toEqual(new Error("down"));
  await list.open({ ask: serviceOf(lineOf(1)).ask, order: "urgent" });
  expect(list.error.value).toBeNull();
});

test("a line changes in place, at once and then whole", async () => {
  const { ask, held } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "urgent" });
  held.studies = [lineOf(1, { state: "answered", urgency: 31, result_id: 7 }), lineOf(2)];
  list.onStudy(event(1, { state: "answered", urgency: 31 }));
  expect(list.lines.value.studies[1]).toMatchObject({ state: "answered", urgency: 31 });
  expect(list.isOutOfOrder.value).toBe(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ids(list.lines.value)).toEqual([2, 1]);
  expect(list.lines.value.studies[1]?.result_id).toBe(7);
  expect(held.asked.at(-1)).toEqual({ limit: 1, ids: [1] });
  await list.again();
  expect(ids(list.lines.value)).toEqual([1, 2]);
});

test("a state that says all needs no question", async () => {
  const { ask, held } = serviceOf(lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "urgent" });
  list.onStudy(event(1, { state: "running" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(held.asked).toHaveLength(1);
});

test("a new study is put in and told of until it was seen", async () => {
  const { ask, held } = serviceOf(lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "newest" });
  held.studies = [lineOf(9, { last_at: "2026-03-04T11:00:00Z" }), ...held.studies];
  list.onStudy(event(9, { state: "receiving" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ids(list.lines.value)).toEqual([9, 1]);
  expect(list.fresh.value).toEqual([9]);
  list.seen();
  expect(list.fresh.value).toEqual([]);
});

test("a new study that the filters leave out does not come in", async () => {
  const { ask } = serviceOf(lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "newest" });
  list.onStudy(event(9, { state: "receiving" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(list.fresh.value).toEqual([]);
});

test("many changes at once are one question", async () => {
  const { ask, held } = serviceOf(...many(40));
  const list = new StudyList();
  await list.open({ ask, order: "urgent" });
  for (let id = 1; id <= 40; id += 1) list.onStudy(event(id, { state: "answered" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(held.asked).toHaveLength(2); // the page, and all of them by number
});

test("after a gap everything is read anew and nothing moves", async () => {
  const { ask, held } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "urgent" });
  held.studies = [lineOf(1, { urgency: 35 }), lineOf(2)];
  void list.onReset();
  await vi.advanceTimersByTimeAsync(1);
  expect(ids(list.lines.value)).toEqual([2, 1]);
  expect(list.lines.value.studies[1]?.urgency).toBe(35);
});

test("progress is known while a study is answered", () => {
  const list = new StudyList();
  const job = { id: 1, kind: "answer", study_id: 3, attempts: 1 };
  list.onJob({ ...job, state: "leased", progress: 0.5 });
  expect(list.progress.value.get(3)).toBe(0.5);
  list.onJob({ ...job, state: "done", progress: 1 });
  expect(list.progress.value.has(3)).toBe(false);
  list.onJob({ ...job, kind: "send", state: "leased", progress: 0.1 });
  expect(list.progress.value.size).toBe(0);
});

test("a removed study is gone at once", async () => {
  const { ask } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "urgent" });
  list.remove(2);
  expect(ids(list.lines.value)).toEqual([1]);
});

/** A list of what is unread, of which study 1 was read. */
async function unreadWithOneRead() {
  const { ask, held } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "urgent", isNarrowed: true });
  held.studies = [lineOf(2)];
  held.hidden = [lineOf(1, { reading: "signed" })];
  return { list, held };
}

test("a line that the filters do not hold any more stays, and is told of", async () => {
  const { list, held } = await unreadWithOneRead();
  list.onStudy(event(1, { reading: "signed" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ids(list.lines.value)).toEqual([2, 1]);
  expect([...list.left.value]).toEqual([1]);
  expect(list.isOutOfOrder.value).toBe(true);
  await list.again();
  expect(ids(list.lines.value)).toEqual([2]);
  expect(list.isOutOfOrder.value).toBe(false);
  held.studies = [lineOf(2), lineOf(1)];
});

test("a line that the filters hold again is told of no more", async () => {
  const { list, held } = await unreadWithOneRead();
  list.onStudy(event(1, { reading: "signed" }));
  await vi.advanceTimersByTimeAsync(1_000);
  held.studies = [lineOf(2), lineOf(1)];
  list.onStudy(event(1, { reading: "unread" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(list.left.value.size).toBe(0);
});

test("after a gap a line that left is told of, and one that was removed goes", async () => {
  const { list, held } = await unreadWithOneRead();
  await list.onReset();
  expect(ids(list.lines.value)).toEqual([2, 1]);
  expect([...list.left.value]).toEqual([1]);
  held.hidden = [];
  await list.onReset();
  expect(ids(list.lines.value)).toEqual([2]);
  expect(list.left.value.size).toBe(0);
});

test("of two replies the older one changes nothing, however late it comes", async () => {
  const replies: ((study: Study) => void)[] = [];
  const { ask } = serviceOf(lineOf(1));
  const slow: Asker = (page, abort) =>
    page.ids
      ? new Promise((resolve) => {
          replies.push((study) => resolve({ studies: [study], next: null }));
        })
      : ask(page, abort);
  const list = new StudyList();
  await list.open({ ask: slow, order: "urgent" });
  for (const state of ["refused", "answered"]) {
    list.onStudy(event(1, { state }));
    await vi.advanceTimersByTimeAsync(1_000);
  }
  replies[1]?.(lineOf(1, { state: "answered", result_id: 3 }));
  await vi.advanceTimersByTimeAsync(1);
  replies[0]?.(lineOf(1, { state: "refused" }));
  await vi.advanceTimersByTimeAsync(1);
  expect(list.lines.value.studies[0]).toMatchObject({ state: "answered", result_id: 3 });
});

test("a reply that was asked for before an event does not undo it", async () => {
  let answer = (_: Study) => {};
  const { ask } = serviceOf(lineOf(1));
  const list = new StudyList();
  await list.open({ ask, order: "urgent" });
  const slow: Asker = () =>
    new Promise((resolve) => {
      answer = (study) => resolve({ studies: [study], next: null });
    });
  const opened = list.open({ ask: slow, order: "urgent" });
  list.onStudy(event(1, { state: "running" }));
  answer(lineOf(1, { state: "ready" }));
  await opened;
  expect(list.lines.value.studies[0]?.state).toBe("running");
});

test("a line that nobody answers for stays as it is", async () => {
  const { ask } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  let isDown = false;
  const asks: Asker = async (page, abort) => {
    if (isDown) throw new Error("down");
    return ask(page, abort);
  };
  await list.open({ ask: asks, order: "urgent", isNarrowed: true });
  isDown = true;
  list.onStudy(event(1, { state: "answered" }));
  await vi.advanceTimersByTimeAsync(1_000);
  await list.onReset();
  expect(ids(list.lines.value)).toEqual([2, 1]);
  expect(list.left.value.size).toBe(0);
});

test("a study that comes into the middle of a long list is put there", async () => {
  const lines = many(120).map((each) => ({ ...each, urgency: each.id / 10 }));
  const { ask, held } = serviceOf(...lines);
  const list = new StudyList();
  await list.open({ ask, order: "urgent", count: 120 });
  const late = lineOf(500, { urgency: 3.05 }); // below 31, above 30
  held.studies = [...lines.slice(0, 90), late, ...lines.slice(90)];
  list.onStudy(event(500, { state: "answered", urgency: 3.05 }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ids(list.lines.value).slice(89, 92)).toEqual([31, 500, 30]);
});

test("lines of another question do not stay where its answer failed", async () => {
  const list = new StudyList();
  await list.open({ ask: serviceOf(lineOf(1)).ask, order: "urgent" });
  await list.open({
    ask: async () => Promise.reject(new Error("down")),
    order: "urgent",
  });
  expect(ids(list.lines.value)).toEqual([]);
  expect(list.error.value).toEqual(new Error("down"));
});

test("a failure to sort again leaves what is read", async () => {
  const { ask } = serviceOf(lineOf(1));
  let isDown = false;
  const asks: Asker = async (page, abort) =>
    isDown ? Promise.reject(new Error("down")) : ask(page, abort);
  const list = new StudyList();
  await list.open({ ask: asks, order: "urgent" });
  isDown = true;
  await list.again();
  expect(ids(list.lines.value)).toEqual([1]);
});
