import { beforeEach, expect, test, vi } from "vitest";

class Store implements Pick<Storage, "getItem" | "setItem" | "removeItem" | "key"> {
  readonly held = new Map<string, string>();
  get length() {
    return this.held.size;
  }
  key = (at: number) => [...this.held.keys()][at] ?? null;
  getItem = (key: string) => this.held.get(key) ?? null;
  setItem = (key: string, value: string) => void this.held.set(key, value);
  removeItem = (key: string) => void this.held.delete(key);
}

let store: Store;

/** The module as a page that was just loaded has it. */
async function reload() {
  vi.resetModules();
  return import("./drafts");
}

beforeEach(() => {
  store = new Store();
  vi.stubGlobal("sessionStorage", store);
});

test("what was typed outlives a reload", async () => {
  const first = await reload();
  first.draft("report/17", "").value = "No effusion.";
  const second = await reload();
  expect(second.draft("report/17", "").value).toBe("No effusion.");
  expect(second.draft("report/18", "").value).toBe("");
});

test("a draft that is as at the start leaves nothing behind", async () => {
  const { draft } = await reload();
  const text = draft("a", { words: [] as string[] });
  text.value = { words: ["x"] };
  expect(store.length).toBe(1);
  text.value = { words: [] };
  expect(store.length).toBe(0);
});

test("after `forget` a draft begins anew, and its old text stays where it is shown", async () => {
  const { draft, forget } = await reload();
  const sent = draft("comment/1", "");
  sent.value = "Look again.";
  forget("comment/1");
  expect(sent.value).toBe("Look again.");
  expect(store.length).toBe(0);
  expect(draft("comment/1", "").value).toBe("");
});

test("what is typed on into a forgotten draft is kept", async () => {
  const { draft, forget } = await reload();
  const text = draft("report/17", "");
  text.value = "one";
  forget("report/17");
  text.value = "one two";
  expect((await reload()).draft("report/17", "").value).toBe("one two");
});

test("another person finds no draft, the same one finds all", async () => {
  const first = await reload();
  first.keepDraftsOf("anna");
  first.draft("report/17", "").value = "typed by anna";
  (await reload()).keepDraftsOf("anna");
  expect((await reload()).draft("report/17", "").value).toBe("typed by anna");
  (await reload()).keepDraftsOf("ben");
  expect((await reload()).draft("report/17", "").value).toBe("");
});

test("a store that holds nonsense or throws is as none", async () => {
  store.setItem("medlens.draft.a", "{");
  expect((await reload()).draft("a", 1).value).toBe(1);
  store.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const text = (await reload()).draft("b", "");
  text.value = "still here";
  expect(text.value).toBe("still here");
});
