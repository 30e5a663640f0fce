import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ImageInfo } from "../load/image";
import type { Desk } from "../stack/desk";
import { createPane } from "../stack/pane_state";
import { createCine, keepPlaying, nextRate, rateOf } from "./cine";

let frames: ((now: number) => void)[] = [];
let now = 0;

beforeEach(() => {
  frames = [];
  now = 0;
  vi.stubGlobal("requestAnimationFrame", (run: (now: number) => void) =>
    frames.push(run),
  );
  vi.spyOn(performance, "now").mockImplementation(() => now);
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function frame(at: number): void {
  now = at;
  const due = frames;
  frames = [];
  for (const run of due) run(at);
}

function desk(frameTime: number | null, count = 3) {
  const pane = createPane(0);
  pane.images.value = Array.from(
    { length: count },
    () => ({ frameTime }) as unknown as ImageInfo,
  );
  pane.progress.value = { kind: "shown" };
  return {
    pane,
    desk: { activePane: { value: pane, peek: () => pane } } as unknown as Desk,
  };
}

test("the rate is the file's, else ten, else what the reader chose", () => {
  const cine = createCine();
  expect(rateOf(cine, desk(40).pane)).toBe(25);
  expect(rateOf(cine, desk(null).pane)).toBe(10);
  cine.rate.value = 5;
  expect(rateOf(cine, desk(40).pane)).toBe(5);
});

test("rates go up and down their row and end with it", () => {
  expect([nextRate(10, true), nextRate(12, true), nextRate(60, true)]).toEqual([
    15, 15, 60,
  ]);
  expect([nextRate(10, false), nextRate(1, false)]).toEqual([8, 1]);
});

test("it plays in time, begins again after the last, and stops when it is told", () => {
  const cine = createCine();
  const { pane, desk: on } = desk(100);
  const end = keepPlaying(on, cine);
  expect(frames).toHaveLength(0);
  cine.isPlaying.value = true;
  const seen: number[] = [];
  for (const at of [50, 100, 150, 200, 300]) {
    frame(at);
    seen.push(pane.index.value);
  }
  expect(seen).toEqual([0, 1, 1, 2, 0]);
  expect(frames).toHaveLength(1); // one loop, however many images came
  cine.isPlaying.value = false;
  frame(400);
  expect([pane.index.value, frames.length]).toEqual([0, 0]);
  end();
});

test("an image that is not there yet is waited for", () => {
  const cine = createCine();
  const { pane, desk: on } = desk(100);
  keepPlaying(on, cine);
  cine.isPlaying.value = true;
  pane.progress.value = { kind: "loading" };
  frame(500);
  expect(pane.index.value).toBe(0);
  pane.progress.value = { kind: "shown" };
  frame(510);
  expect(pane.index.value).toBe(1);
});
