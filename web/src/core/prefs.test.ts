import { beforeEach, expect, test, vi } from "vitest";

const kept = new Map<string, string>();
let tell: (event: { key: string; newValue: string | null }) => void = () => {};

async function load() {
  vi.resetModules();
  return import("./prefs");
}

beforeEach(() => {
  kept.clear();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
  const listeners: ((event: never) => void)[] = [];
  vi.stubGlobal("addEventListener", (kind: string, listener: (event: never) => void) => {
    if (kind === "storage") listeners.push(listener);
  });
  tell = (event) => {
    for (const listener of listeners) listener(event as never);
  };
});

test("a choice is remembered, a start is not", async () => {
  const { preference, oneOf } = await load();
  const size = preference("size", "small", oneOf("small", "large"));
  expect(kept.size).toBe(0);
  size.value = "large";
  const again = (await load()).preference("size", "small", oneOf("small", "large"));
  expect(again.value).toBe("large");
});

test("what is not valid is as nothing", async () => {
  kept.set("medlens.size", '"huge"');
  kept.set("medlens.other", "{");
  const { preference, oneOf } = await load();
  expect(preference("size", "small", oneOf("small")).value).toBe("small");
  expect(preference("other", "small", oneOf("small")).value).toBe("small");
});

test("another tab's choice is followed", async () => {
  const { preference, oneOf } = await load();
  const size = preference("size", "small", oneOf("small", "large"));
  tell({ key: "medlens.size", newValue: '"large"' });
  expect(size.value).toBe("large");
  tell({ key: "medlens.else", newValue: '"small"' });
  expect(size.value).toBe("large");
  tell({ key: "medlens.size", newValue: null });
  expect(size.value).toBe("small");
});

test("a browser that keeps nothing works for this visit", async () => {
  vi.stubGlobal("localStorage", {
    getItem: () => {
      throw new DOMException("denied", "SecurityError");
    },
    setItem: () => {
      throw new DOMException("denied", "SecurityError");
    },
  });
  const { preference, oneOf } = await load();
  const size = preference("size", "small", oneOf("small", "large"));
  size.value = "large";
  expect(size.value).toBe("large");
});
