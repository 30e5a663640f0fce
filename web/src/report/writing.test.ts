import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { dropDrafts } from "~/core/drafts";
import { emptyContent, withSection } from "./content";
import { createWriting } from "./writing";

const store = new Map<string, string>();
vi.stubGlobal("sessionStorage", {
  get length() {
    return store.size;
  },
  key: (at: number) => [...store.keys()][at] ?? null,
  getItem: (key: string) => store.get(key) ?? null,
  setItem: (key: string, text: string) => store.set(key, text),
  removeItem: (key: string) => store.delete(key),
});

const worded = (findings: string) =>
  withSection(emptyContent("en"), "findings", findings);

/** A service that keeps versions and a draft; a version waits until it is let go. */
function served() {
  const has = { versions: 0, revision: 0, draft: "", letGo: () => {} };
  const json = (body: unknown, status = 200) =>
    new Response(JSON.stringify(body), {
      status,
      headers: { "Content-Type": "application/json" },
    });
  vi.stubGlobal("fetch", async (request: Request) => {
    const body = JSON.parse((await request.text()) || "null");
    if (request.url.endsWith("/draft")) {
      if (body.revision !== has.revision) {
        return json({ type: "/problems/draft-changed", status: 409 }, 409);
      }
      has.revision += 1;
      has.draft = body.content.sections.findings;
      return json({ ...body, revision: has.revision, saved_at: "2026-01-01T00:00:00Z" });
    }
    const { pathname, searchParams } = new URL(request.url);
    if (pathname.endsWith("/suggestion")) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const lang = searchParams.get("lang") === "zh" ? "zh" : "en";
      return json(withSection(emptyContent(lang), "findings", "Drafted."));
    }
    if (request.method === "GET") return json({ versions: [], draft: null });
    await new Promise<void>((resolve) => {
      has.letGo = resolve;
    });
    has.versions += 1;
    [has.revision, has.draft] = [0, ""];
    return json({ version: has.versions, is_signed: body.sign, content: body.content });
  });
  return has;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  dropDrafts();
});

test("what is typed while a version is on its way is the next draft", async () => {
  const has = served();
  const writing = createWriting(3);
  const text = () => writing.save.kept.peek().content.sections.findings;
  writing.save.change(worded("Clear."));
  await vi.advanceTimersByTimeAsync(2_000);
  const kept = writing.keep({ sign: false, reason: "" });
  await vi.advanceTimersByTimeAsync(1);
  writing.save.change(worded("Clear. A nodule."));
  has.letGo();
  expect(await kept).toBe(1);
  expect(text()).toBe("Clear. A nodule.");
  await vi.advanceTimersByTimeAsync(2_000);
  expect([has.draft, writing.save.state.peek()]).toEqual(["Clear. A nodule.", "saved"]);
});

test("a version with nothing typed since leaves no draft", async () => {
  const has = served();
  const writing = createWriting(4);
  writing.save.change(worded("Clear."));
  const kept = writing.keep({ sign: false, reason: "" });
  await vi.advanceTimersByTimeAsync(1);
  has.letGo();
  await kept;
  await vi.advanceTimersByTimeAsync(5_000);
  expect([has.draft, writing.save.state.peek()]).toEqual(["", "clean"]);
  expect([...store.keys()]).toEqual([]);
});

test("what is typed while a draft is asked for can be brought back", async () => {
  served();
  const writing = createWriting(5);
  writing.save.change(worded("Clear."));
  const anew = writing.redraft();
  writing.save.change(worded("Clear. A nodule."));
  await vi.advanceTimersByTimeAsync(600);
  expect((await anew).sections.findings).toBe("Clear. A nodule.");
  expect(writing.save.kept.peek().content.sections.findings).toBe("Drafted.");
});

test("what is typed while the other language is asked for stays in its own", async () => {
  served();
  const writing = createWriting(6);
  const turned = writing.turnTo("zh");
  writing.save.change(worded("A nodule."));
  await vi.advanceTimersByTimeAsync(600);
  await turned;
  const { content, others } = writing.save.kept.peek();
  expect([content.lang, others.en?.sections.findings]).toEqual(["zh", "A nodule."]);
});
