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
  const held = { studies, asked: [] as Page[] };
  const ask: Asker = async (page) => {
    held.asked.push(page);
    if (page.studyUid) {
      const found = held.studies.filter((each) => each.study_uid === page.studyUid);
      return { studies: found, next: null };
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
  await list.open(ask, "urgent");
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
  const first = list.open(slow, "urgent");
  await list.open(serviceOf(lineOf(2)).ask, "urgent");
  answerFirst({ studies: [lineOf(1)], next: null });
  await first;
  expect(ids(list.lines.value)).toEqual([2]);
  expect(list.loading.value).toBe("");
});

test("a failure is told, and the next answer ends it", async () => {
  const list = new StudyList();
  await list.open(async () => Promise.reject(new Error("down")), "urgent");
  expect(list.error.value).toEqual(new Error("down"));
  await list.open(serviceOf(lineOf(1)).ask, "urgent");
  expect(list.error.value).toBeNull();
});

test("a line changes in place, at once and then whole", async () => {
  const { ask, held } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  await list.open(ask, "urgent");
  held.studies = [lineOf(1, { state: "answered", urgency: 31, result_id: 7 }), lineOf(2)];
  list.onStudy(event(1, { state: "answered", urgency: 31 }));
  expect(list.lines.value.studies[1]).toMatchObject({ state: "answered", urgency: 31 });
  expect(list.isOutOfOrder.value).toBe(true);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ids(list.lines.value)).toEqual([2, 1]);
  expect(list.lines.value.studies[1]?.result_id).toBe(7);
  expect(held.asked.at(-1)).toEqual({ limit: 1, studyUid: "1.2.1" });
  await list.again();
  expect(ids(list.lines.value)).toEqual([1, 2]);
});

test("a state that says all needs no question", async () => {
  const { ask, held } = serviceOf(lineOf(1));
  const list = new StudyList();
  await list.open(ask, "urgent");
  list.onStudy(event(1, { state: "running" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(held.asked).toHaveLength(1);
});

test("a new study is put in and told of until it was seen", async () => {
  const { ask, held } = serviceOf(lineOf(1));
  const list = new StudyList();
  await list.open(ask, "newest");
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
  await list.open(ask, "newest");
  list.onStudy(event(9, { state: "receiving" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(list.fresh.value).toEqual([]);
});

test("many changes at once are one question", async () => {
  const { ask, held } = serviceOf(...many(40));
  const list = new StudyList();
  await list.open(ask, "urgent");
  for (let id = 1; id <= 40; id += 1) list.onStudy(event(id, { state: "answered" }));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(held.asked).toHaveLength(2);
});

test("after a gap everything is read anew and nothing moves", async () => {
  const { ask, held } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  await list.open(ask, "urgent");
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

test("an own change shows at once", async () => {
  const { ask } = serviceOf(lineOf(2), lineOf(1));
  const list = new StudyList();
  await list.open(ask, "urgent");
  list.change(1, { state: "ready" });
  list.remove(2);
  expect(ids(list.lines.value)).toEqual([1]);
  expect(list.lines.value.studies[0]?.state).toBe("ready");
});
