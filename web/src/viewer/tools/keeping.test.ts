import { signal } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OfflineError, ProblemError } from "~/core/api/problem";
import { Keeping, type OnService, PAUSE_MS } from "./keeping";
import { isSame, merged } from "./merging";
import type { Kept } from "./shelf";

const shape = (id: string, x = 0): Kept =>
  ({ id, kind: "probe", series: "1", points: [[x, 0]] }) as unknown as Kept;
const ids = (shapes: readonly Kept[]) =>
  shapes.map(({ id, points }) => `${id}${points[0]?.[0] ?? ""}`).join(" ");

test("what either side added, moved or deleted is so for both", () => {
  const base = [shape("a"), shape("b"), shape("c")];
  const ours = [shape("a", 1), shape("c"), shape("d")]; // moved a, deleted b, drew d
  const theirs = [shape("a"), shape("b"), shape("e")]; // deleted c, drew e
  expect(ids(merged(base, ours, theirs))).toBe("a1 e0 d0");
});

test("nothing is lost where one deleted what the other moved", () => {
  const base = [shape("a"), shape("b")];
  expect(ids(merged(base, [shape("a", 1)], [shape("b", 2)]))).toBe("b2 a1");
  expect(ids(merged(base, [shape("a", 1)], [shape("a", 2)]))).toBe("a1");
  expect(ids(merged([], [shape("x")], []))).toBe("x0");
});

test("the order of fields and NaN make no difference", () => {
  const reading = { a: Number.NaN, b: 1 };
  const one = [{ ...shape("a"), reading }] as unknown as Kept[];
  const other = [
    { points: [[0, 0]], series: "1", reading: { b: 1, a: null }, kind: "probe", id: "a" },
  ] as unknown as Kept[];
  expect(isSame(one, other)).toBe(true);
});

/** A service in memory that refuses what names another revision than its own. */
function fake(start: readonly Kept[] = []) {
  const has = { revision: start.length > 0 ? 1 : 0, shapes: start, isDown: false };
  const answer = (): OnService => ({ revision: has.revision, shapes: has.shapes });
  return {
    has,
    puts: [] as number[],
    async read() {
      if (has.isDown) throw new OfflineError("down");
      return answer();
    },
    async put(revision: number, shapes: readonly Kept[]) {
      if (has.isDown) throw new OfflineError("down");
      if (revision !== has.revision)
        throw new ProblemError(409, "measurements-changed", "");
      has.revision += 1;
      has.shapes = shapes;
      this.puts.push(revision);
      return answer();
    },
  };
}

function tab(service: ReturnType<typeof fake>, start: readonly Kept[] = []) {
  const shapes = signal(start);
  const known = signal<OnService>({ revision: 0, shapes: [] });
  const adopt = (found: readonly Kept[]) => {
    shapes.value = found;
  };
  const keeping = new Keeping(shapes, adopt, known, service);
  return { shapes, keeping, end: keeping.start() };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("another day finds what was measured, and saves nothing for that", async () => {
  const service = fake([shape("a")]);
  const { shapes, keeping } = tab(service);
  await vi.advanceTimersByTimeAsync(1);
  expect(ids(shapes.value)).toBe("a0");
  await vi.advanceTimersByTimeAsync(10 * PAUSE_MS);
  expect([keeping.state.value, service.puts]).toEqual(["saved", []]);
});

test("changes that follow one another are saved once", async () => {
  const service = fake();
  const { shapes, keeping } = tab(service);
  await vi.advanceTimersByTimeAsync(1);
  for (const x of [1, 2, 3]) shapes.value = [shape("a", x)];
  expect(keeping.state.value).toBe("saving");
  await vi.advanceTimersByTimeAsync(PAUSE_MS);
  expect([ids(service.has.shapes), service.puts]).toEqual(["a3", [0]]);
  expect(keeping.state.value).toBe("saved");
});

test("two tabs end with what both measured", async () => {
  const service = fake();
  const [one, two] = [tab(service), tab(service)];
  await vi.advanceTimersByTimeAsync(1);
  one.shapes.value = [shape("a")];
  two.shapes.value = [shape("b")];
  await vi.advanceTimersByTimeAsync(2 * PAUSE_MS);
  expect(ids(service.has.shapes)).toBe("a0 b0");
  expect(ids(two.shapes.value)).toBe("a0 b0");
});

test("without a line they stay, and go when it is there again", async () => {
  const service = fake();
  service.has.isDown = true;
  const { shapes, keeping } = tab(service, [shape("a")]);
  await vi.advanceTimersByTimeAsync(1);
  expect(keeping.state.value).toBe("lost");
  shapes.value = [shape("a"), shape("b")];
  service.has.isDown = false;
  keeping.now();
  await vi.advanceTimersByTimeAsync(1);
  expect(ids(service.has.shapes)).toBe("a0 b0");
  expect(keeping.state.value).toBe("saved");
});

test("who leaves the study at once loses nothing", async () => {
  const service = fake();
  const { shapes, end } = tab(service);
  await vi.advanceTimersByTimeAsync(1);
  shapes.value = [shape("a")];
  end();
  await vi.advanceTimersByTimeAsync(1);
  expect(ids(service.has.shapes)).toBe("a0");
});

test("what changes while a save is on its way goes out, too, with who leaves", async () => {
  const service = fake();
  const put = service.put.bind(service);
  vi.spyOn(service, "put").mockImplementation(async (revision, found) => {
    await new Promise((done) => setTimeout(done, 500));
    return put(revision, found);
  });
  const { shapes, end } = tab(service);
  await vi.advanceTimersByTimeAsync(1);
  shapes.value = [shape("a")];
  await vi.advanceTimersByTimeAsync(PAUSE_MS + 1);
  shapes.value = [shape("a"), shape("b")];
  end();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(ids(service.has.shapes)).toBe("a0 b0");
});

test("what the service refuses stays in the tab and is not tried again", async () => {
  const service = fake();
  const asked = vi.spyOn(service, "put");
  asked.mockRejectedValue(new ProblemError(403, "forbidden", ""));
  const { shapes, keeping } = tab(service);
  await vi.advanceTimersByTimeAsync(1);
  shapes.value = [shape("a")];
  await vi.advanceTimersByTimeAsync(100 * PAUSE_MS);
  expect([keeping.state.value, asked.mock.calls.length]).toEqual(["refused", 1]);
  expect(ids(shapes.value)).toBe("a0");
});
