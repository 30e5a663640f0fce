import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OfflineError, ProblemError } from "~/core/api/problem";
import { Autosave, type Kept, PAUSE_MS } from "./autosave";
import { type Content, type Draft, emptyContent, withSection } from "./content";

const text = (words: string) => withSection(emptyContent("en"), "findings", words);
const words = (content: Content) => content.sections.findings;

/** A service that holds one draft, and fails when it is told to. */
class Desk {
  draft: Draft | null = null;
  failures: unknown[] = [];
  saves: string[] = [];

  put = async (revision: number, content: Content): Promise<Draft> => {
    const failure = this.failures.shift();
    if (failure) throw failure;
    if (revision !== (this.draft?.revision ?? 0)) {
      throw new ProblemError(409, "draft-changed", "somebody saved");
    }
    this.saves.push(words(content));
    this.draft = { revision: revision + 1, saved_at: `t${revision + 1}`, content };
    return this.draft;
  };
  read = async () => this.draft;
  explain = (error: unknown) => (error as Error).message;
}

const desk = { now: new Desk() };

function begin(more: Partial<Kept> = {}) {
  const start = { revision: 0, content: text(""), isDirty: false, others: {} };
  return new Autosave(signal<Kept>({ ...start, ...more }), desk.now);
}

beforeEach(() => {
  vi.useFakeTimers();
  desk.now = new Desk();
});
afterEach(() => vi.useRealTimers());

test("it is saved a second after the last key, once", async () => {
  const save = begin();
  save.change(text("a"));
  await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
  save.change(text("ab"));
  await vi.advanceTimersByTimeAsync(PAUSE_MS - 1);
  expect(desk.now.saves).toEqual([]);
  expect(save.state.value).toBe("typing");
  await vi.advanceTimersByTimeAsync(1);
  expect(desk.now.saves).toEqual(["ab"]);
  expect([save.state.value, save.savedAt.value]).toEqual(["saved", "t1"]);
  expect(save.kept.value).toMatchObject({ revision: 1, isDirty: false });
});

test("what is typed while it saves is saved after it", async () => {
  const save = begin();
  save.change(text("a"));
  vi.advanceTimersByTime(PAUSE_MS); // on its way
  save.change(text("ab"));
  await vi.advanceTimersByTimeAsync(5 * PAUSE_MS);
  expect(desk.now.saves).toEqual(["a", "ab"]);
  expect(save.kept.value).toMatchObject({ revision: 2, isDirty: false });
});

test("a lost line loses nothing", async () => {
  desk.now.failures = [new OfflineError("away"), new OfflineError("away")];
  const save = begin();
  save.change(text("a"));
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  expect(save.state.value).toBe("lost");
  expect(words(save.kept.value.content)).toBe("a");
  await vi.advanceTimersByTimeAsync(10 * PAUSE_MS);
  expect(desk.now.saves).toEqual(["a"]);
});

test("another tab's draft is never written over by itself", async () => {
  const save = begin();
  desk.now.draft = { revision: 4, saved_at: "t4", content: text("theirs") };
  save.change(text("mine"));
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  expect(save.state.value).toBe("conflict");
  expect(words(save.theirs.value?.content ?? text(""))).toBe("theirs");
  save.change(text("mine, and on"));
  await vi.advanceTimersByTimeAsync(5 * PAUSE_MS);
  expect(desk.now.saves).toEqual([]);
  save.keepMine();
  await vi.advanceTimersByTimeAsync(0);
  expect(desk.now.saves).toEqual(["mine, and on"]);
  expect(save.kept.value.revision).toBe(5);
});

test("theirs can be taken instead", async () => {
  const save = begin();
  desk.now.draft = { revision: 4, saved_at: "t4", content: text("theirs") };
  save.change(text("mine"));
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  save.takeTheirs();
  expect(words(save.kept.value.content)).toBe("theirs");
  expect(save.kept.value).toMatchObject({ revision: 4, isDirty: false });
});

test("a save whose reply was lost is no conflict", async () => {
  const save = begin();
  desk.now.draft = { revision: 1, saved_at: "t1", content: text("a") };
  save.change(text("a"));
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  expect([save.state.value, save.kept.value.revision]).toEqual(["saved", 1]);
});

test("before a signature: our own save whose reply was lost is met again", () => {
  const save = begin({ content: text("mine"), revision: 3 });
  expect(save.meet({ revision: 4, saved_at: "t4", content: text("mine") })).toBe(true);
  expect(save.kept.value).toMatchObject({ revision: 4, isDirty: false });
  expect(save.meet(null)).toBe(true);
  expect(save.kept.value.revision).toBe(0);
  expect(words(save.kept.value.content)).toBe("mine");
});

test("before a signature: a newer text of another tab is shown beside ours", () => {
  const save = begin({ content: text("mine"), revision: 3 });
  expect(save.meet({ revision: 4, saved_at: "t4", content: text("theirs") })).toBe(false);
  expect(save.state.value).toBe("conflict");
  expect(words(save.theirs.value?.content ?? text(""))).toBe("theirs");
  expect(words(save.kept.value.content)).toBe("mine");
  expect(save.kept.value.revision).toBe(3);
});

test("after a reload what was not saved is saved; a newer draft is shown beside it", async () => {
  const save = begin({ content: text("typed"), isDirty: true, revision: 3 });
  save.open({ revision: 3, saved_at: "t3", content: text("before") });
  desk.now.draft = { revision: 3, saved_at: "t3", content: text("before") };
  await vi.advanceTimersByTimeAsync(0);
  expect(desk.now.saves).toEqual(["typed"]);
  const other = begin({ content: text("typed"), isDirty: true, revision: 3 });
  other.open({ revision: 4, saved_at: "t4", content: text("newer") });
  expect(other.state.value).toBe("conflict");
  const fresh = begin();
  fresh.open({ revision: 4, saved_at: "t4", content: text("newer") });
  expect(words(fresh.kept.value.content)).toBe("newer");
});

test("after a reload our own save whose reply was lost is no conflict", () => {
  const save = begin({ revision: 3, content: text("mine"), isDirty: true });
  save.open({ revision: 4, saved_at: "t4", content: text("mine") });
  expect(save.state.value).toBe("saved");
  expect(save.kept.value).toMatchObject({ revision: 4, isDirty: false });
});

test("a refusal is told and not tried again by itself", async () => {
  desk.now.failures = [new ProblemError(422, "blank", "control character")];
  const save = begin();
  save.change(text("a"));
  await vi.advanceTimersByTimeAsync(60 * PAUSE_MS);
  expect([save.state.value, save.problem.value]).toEqual([
    "refused",
    "control character",
  ]);
  save.change(text("b"));
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  expect(desk.now.saves).toEqual(["b"]);
});

test("the other language's words are kept", async () => {
  const save = begin();
  save.change(text("in English"));
  save.turnTo(withSection(emptyContent("zh"), "findings", "中文"));
  expect(words(save.kept.value.others.en ?? text(""))).toBe("in English");
  expect(save.kept.value.content.lang).toBe("zh");
});

test("pausing waits for what is on its way and sends nothing more", async () => {
  const save = begin();
  save.change(text("a"));
  vi.advanceTimersByTime(PAUSE_MS);
  save.change(text("ab"));
  await save.pause();
  await vi.advanceTimersByTimeAsync(10 * PAUSE_MS);
  expect(desk.now.saves).toEqual(["a"]);
});
