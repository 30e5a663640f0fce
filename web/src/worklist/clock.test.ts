import { expect, test, vi } from "vitest";
import { since, tick } from "./clock";

test("what came grows older on a page that is left open", () => {
  vi.useFakeTimers({ now: Date.parse("2026-03-04T10:00:00Z") });
  const end = tick();
  expect(since("2026-03-04T09:55:00Z")).toBe("5 min ago");
  vi.advanceTimersByTime(60_000);
  expect(since("2026-03-04T09:55:00Z")).toBe("6 min ago");
  end();
  vi.advanceTimersByTime(600_000);
  expect(since("2026-03-04T09:55:00Z")).toBe("6 min ago");
});

test("nothing comes in the future, whatever the clock of the service says", () => {
  vi.useFakeTimers({ now: Date.parse("2026-03-04T10:00:00Z") });
  tick()();
  expect(since("2026-03-04T10:00:30Z")).toBe("now");
});
