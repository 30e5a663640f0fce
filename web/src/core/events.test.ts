import { beforeEach, expect, test, vi } from "vitest";

/** A line whose other end the test holds. */
class FakeLine extends EventTarget {
  static readonly CLOSED = 2;
  static all: FakeLine[] = [];
  static get last(): FakeLine {
    const found = FakeLine.all.at(-1);
    if (!found) throw new Error("no line was opened");
    return found;
  }
  readyState = 0;
  constructor(readonly url: string) {
    super();
    FakeLine.all.push(this);
  }
  close() {
    this.readyState = FakeLine.CLOSED;
  }
  opens() {
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }
  breaks() {
    this.readyState = 0;
    this.dispatchEvent(new Event("error"));
  }
  isRefused() {
    this.readyState = FakeLine.CLOSED;
    this.dispatchEvent(new Event("error"));
  }
  says(kind: string, data: unknown, lastEventId = "") {
    this.dispatchEvent(
      new MessageEvent(kind, { data: JSON.stringify(data), lastEventId }),
    );
  }
}

const newPage = () => Object.assign(new EventTarget(), { visibilityState: "visible" });
let page = newPage();
const show = (state: "visible" | "hidden") => {
  page.visibilityState = state;
  page.dispatchEvent(new Event("visibilitychange"));
};
let answer: () => Promise<Response>;

async function load() {
  vi.resetModules();
  const { line, hear, openLine } = await import("./events");
  const resets = vi.fn();
  hear("reset", resets);
  openLine();
  return { line, hear, openLine, resets };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeLine.all = [];
  page = newPage();
  answer = async () => Response.json({ name: "anna", rights: [] });
  vi.stubGlobal("EventSource", FakeLine);
  vi.stubGlobal("document", page);
  vi.stubGlobal("fetch", () => answer());
});

test("events reach those who listen, until they stop", async () => {
  const { hear, line } = await load();
  const heard: unknown[] = [];
  const stop = hear("study", (event) => heard.push(event.id));
  FakeLine.last.opens();
  expect(line.value).toBe("open");
  FakeLine.last.says("study", { id: 3 });
  stop();
  FakeLine.last.says("study", { id: 4 });
  expect(heard).toEqual([3]);
});

test("a listener that breaks leaves the others hearing", async () => {
  const { hear } = await load();
  const said = vi.spyOn(console, "error").mockReturnValue();
  const heard: number[] = [];
  hear("study", () => {
    throw new Error("broken");
  });
  hear("study", (event) => heard.push(event.id));
  FakeLine.last.says("study", { id: 3 });
  expect(heard).toEqual([3]);
  expect(said).toHaveBeenCalledTimes(1);
  said.mockRestore();
});

test("it is opened once", async () => {
  const { openLine } = await load();
  openLine();
  expect(FakeLine.all).toHaveLength(1);
});

test("a line that comes back soon is not called lost, one that does not is", async () => {
  const { line } = await load();
  FakeLine.last.opens();
  FakeLine.last.breaks();
  await vi.advanceTimersByTimeAsync(3_000);
  FakeLine.last.opens();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(line.value).toBe("open");
  FakeLine.last.breaks();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(line.value).toBe("lost");
});

test("without the number of an event everything is read anew", async () => {
  const { resets } = await load();
  FakeLine.last.opens();
  FakeLine.last.breaks();
  FakeLine.last.opens();
  expect(resets).toHaveBeenCalledTimes(1);
});

test("with the number of an event the service tells what was missed", async () => {
  const { resets } = await load();
  FakeLine.last.opens();
  FakeLine.last.says("job", { id: 1 }, "run-1");
  FakeLine.last.breaks();
  FakeLine.last.opens();
  expect(resets).not.toHaveBeenCalled();
  FakeLine.last.says("reset", {}, "run-2");
  expect(resets).toHaveBeenCalledTimes(1);
});

test("a line that is refused is asked for again, and the pages ask meanwhile", async () => {
  const { line, resets } = await load();
  FakeLine.last.isRefused();
  await vi.advanceTimersByTimeAsync(500);
  expect(line.value).toBe("asking");
  expect(resets).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(FakeLine.all).toHaveLength(2);
  FakeLine.last.opens();
  expect(line.value).toBe("open");
});

test("a log-in that ended leads to the log-in page", async () => {
  const assign = vi.fn();
  vi.stubGlobal("location", {
    pathname: "/studies/3",
    search: "",
    origin: "http://h",
    assign,
  });
  answer = async () =>
    Response.json({ type: "/x/unauthorized", status: 401 }, { status: 401 });
  const { line } = await load();
  FakeLine.last.isRefused();
  await vi.advanceTimersByTimeAsync(500);
  expect(assign).toHaveBeenCalledWith("/login");
  expect(line.value).not.toBe("lost");
  vi.unstubAllGlobals();
});

test("a service that is down is called lost", async () => {
  answer = async () => {
    throw new TypeError("failed to fetch");
  };
  const { line } = await load();
  FakeLine.last.isRefused();
  await vi.advanceTimersByTimeAsync(500);
  expect(line.value).toBe("lost");
});

test("a page that nobody sees gives its line back, and reads anew when it is seen", async () => {
  const { resets } = await load();
  FakeLine.last.opens();
  FakeLine.last.says("job", { id: 1 }, "run-1");
  show("hidden");
  await vi.advanceTimersByTimeAsync(11_000);
  expect(FakeLine.last.readyState).toBe(FakeLine.CLOSED);
  show("visible");
  expect(FakeLine.all).toHaveLength(2);
  FakeLine.last.opens();
  expect(resets).toHaveBeenCalledTimes(1);
});

test("a glance at another tab keeps the line", async () => {
  await load();
  FakeLine.last.opens();
  show("hidden");
  await vi.advanceTimersByTimeAsync(5_000);
  show("visible");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(FakeLine.all).toHaveLength(1);
  expect(FakeLine.last.readyState).toBe(1);
});
