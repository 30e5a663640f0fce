import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import type { Result } from "./diagnosis";
import { draftKeyOf } from "./say";

test("what is drawn for a finding of one result is no draft of another's", () => {
  const result = signal({ id: 5 } as Result | null);
  const before = draftKeyOf({ study: 3, result }, "box", "0/f1");
  result.value = { id: 6 } as Result;
  expect(draftKeyOf({ study: 3, result }, "box", "0/f1")).not.toBe(before);
});
