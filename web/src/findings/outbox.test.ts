import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OfflineError, ProblemError } from "~/core/api/problem";
import { HOLD_MS, type Letter, Outbox } from "./outbox";

let sent: string[] = [];
let failures: unknown[] = [];

function box(start: readonly Letter<string>[] = []) {
  return new Outbox<string>(
    signal(start),
    async (letter) => {
      const failure = failures.shift();
      if (failure) throw failure;
      sent.push(`${letter.key} ${letter.body}`);
    },
    (error) => (error as Error).message,
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  failures = [];
});
afterEach(() => vi.useRealTimers());

test("a word is shown at once and sent after its time to be taken back", async () => {
  const out = box();
  out.put("k1", "0/1", "accept");
  expect(out.letters.value.map((each) => each.state)).toEqual(["held"]);
  await vi.advanceTimersByTimeAsync(HOLD_MS - 1);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual(["k1 accept"]);
  expect(out.letters.value).toEqual([]);
});

test("a word that was taken back is never sent", async () => {
  const out = box();
  out.put("k1", "0/1", "accept");
  expect(out.takeBack()?.key).toBe("k1");
  expect(out.takeBack()).toBeNull();
  await vi.advanceTimersByTimeAsync(HOLD_MS * 2);
  expect(sent).toEqual([]);
});

test("a second word on the same finding replaces one that is held", async () => {
  const out = box();
  out.put("k1", "0/1", "accept");
  out.put("k2", "0/1", "reject");
  out.put("k3", "0/2", "accept");
  await vi.advanceTimersByTimeAsync(HOLD_MS);
  expect(sent).toEqual(["k2 reject", "k3 accept"]);
});

test("a lost line is tried again under the same key, in the same order", async () => {
  failures = [new OfflineError("away"), new OfflineError("away")];
  const out = box();
  out.put("k1", "0/1", "accept");
  out.put("k2", "0/2", "reject");
  out.release();
  await vi.advanceTimersByTimeAsync(0);
  expect(out.letters.value.map((each) => each.state)).toEqual(["lost", "lost"]);
  await vi.advanceTimersByTimeAsync(1_000); // the second failure
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sent).toEqual(["k1 accept", "k2 reject"]);
});

test("a refusal is shown, stays, and does not hold up the others", async () => {
  failures = [new ProblemError(400, "blank", "no such finding")];
  const out = box();
  out.put("k1", "0/9", "accept");
  out.put("k2", "0/2", "reject");
  out.release();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toEqual(["k2 reject"]);
  expect(out.letters.value).toMatchObject([
    { key: "k1", state: "refused", problem: "no such finding" },
  ]);
  out.retry("k1");
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(["k2 reject", "k1 accept"]);
});

test("what a former page kept is sent at once", async () => {
  const letter = { key: "k7", about: "0/1", body: "accept", problem: "" };
  box([{ ...letter, state: "held" }]);
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(["k7 accept"]);
});

test("settled waits for what is on its way, not for a lost line", async () => {
  failures = [new OfflineError("away")];
  const out = box();
  out.put("k1", "0/1", "accept");
  await out.settled();
  expect(out.letters.value[0]?.state).toBe("lost");
  out.retry();
  await out.settled();
  expect(sent).toEqual(["k1 accept"]);
});
