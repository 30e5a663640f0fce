/** What happens on the service, as it happens (server-sent events of /api/v1/events). */

import { signal } from "@preact/signals";
import { api, ok } from "~/core/api/client";
import { ProblemError } from "~/core/api/problem";

/** A change of a job. */
export interface JobEvent {
  readonly id: number;
  readonly kind: string;
  readonly study_id: number | null;
  readonly state: string;
  readonly attempts: number;
  readonly progress: number;
}

/** A change of a study's line in the worklist. */
export interface StudyEvent {
  readonly id: number;
  readonly state: string;
  readonly reading: string;
  readonly urgency: number;
  readonly changed_at: string;
}

/** What can be heard; `reset` says that something may have been missed: read anew. */
export interface Heard {
  job: JobEvent;
  study: StudyEvent;
  reset: null;
}

/**
 * Whether the service can be heard now. "asking": it answers but gives no line (too many
 * are open), so `reset` is told every few seconds instead.
 */
export const line = signal<"opening" | "open" | "asking" | "lost">("opening");

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
/** A stream ends every 15 minutes, and the browser opens the next by itself. */
const QUIET_MS = 6_000;
/** After this a page that nobody sees gives its line back: a browser has six in all. */
const UNSEEN_MS = 10_000;

type Listeners = { [K in keyof Heard]: Set<(event: Heard[K]) => void> };
const listeners: Listeners = { job: new Set(), study: new Set(), reset: new Set() };
let source: EventSource | null = null;
let pause = FIRST_PAUSE_MS;
let lastId = "";
let mayHaveMissed = false;
let isWatchingPage = false;
let timers: ReturnType<typeof setTimeout>[] = [];

/** Hear of something; returns what ends it. */
export function hear<K extends keyof Heard>(
  kind: K,
  listener: (event: Heard[K]) => void,
): () => void {
  listeners[kind].add(listener);
  return () => {
    listeners[kind].delete(listener);
  };
}

function tell<K extends keyof Heard>(kind: K, event: Heard[K]): void {
  for (const listener of [...listeners[kind]]) {
    try {
      listener(event);
    } catch (error) {
      // One part of the page that breaks leaves the others hearing.
      console.error(error);
    }
  }
}

/** Open the line and keep it open; asked twice it is opened once. */
export function openLine(): void {
  watchPage();
  if (source) return;
  if (isUnseen()) {
    mayHaveMissed = true;
    return;
  }
  const opened = new EventSource("/api/v1/events");
  source = opened;
  opened.addEventListener("open", onOpen);
  opened.addEventListener("job", (event) => tell("job", parse(event)));
  opened.addEventListener("study", (event) => tell("study", parse(event)));
  opened.addEventListener("reset", (event) => {
    lastId = (event as MessageEvent).lastEventId;
    tell("reset", null);
  });
  opened.addEventListener("error", () => onError(opened));
}

function onOpen(): void {
  stopTimers();
  line.value = "open";
  pause = FIRST_PAUSE_MS;
  if (!mayHaveMissed) return;
  mayHaveMissed = false;
  tell("reset", null);
}

function onError(opened: EventSource): void {
  if (source !== opened) return;
  // Without the number of an event the service cannot tell what this line missed.
  if (lastId === "") mayHaveMissed = true;
  if (opened.readyState !== EventSource.CLOSED) {
    after(QUIET_MS, () => {
      line.value = "lost";
    });
    return;
  }
  // A refusal; EventSource does not tell which.
  hangUp();
  void ask();
}

/** Ask plainly why there is no line: a log-in that ended leads to the log-in page. */
async function ask(): Promise<void> {
  try {
    await ok(api.GET("/api/v1/me"));
    // Meanwhile the page was hidden and seen again, and has its line.
    if (source) return;
    line.value = "asking";
    tell("reset", null);
  } catch (error) {
    const isLoggedOut = error instanceof ProblemError && error.status === 401;
    if (!isLoggedOut) line.value = "lost";
  }
  after(pause, openLine);
  pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
}

function hangUp(): void {
  stopTimers();
  source?.close();
  source = null;
  lastId = "";
  mayHaveMissed = true;
}

function watchPage(): void {
  if (isWatchingPage || typeof document === "undefined") return;
  isWatchingPage = true;
  document.addEventListener("visibilitychange", () => {
    if (isUnseen()) after(UNSEEN_MS, hangUp);
    else {
      stopTimers();
      openLine();
    }
  });
}

function isUnseen(): boolean {
  return typeof document !== "undefined" && document.visibilityState === "hidden";
}

function after(ms: number, done: () => void): void {
  timers.push(setTimeout(done, ms));
}

function stopTimers(): void {
  for (const timer of timers) clearTimeout(timer);
  timers = [];
}

function parse<T>(event: MessageEvent<string>): T {
  lastId = event.lastEventId;
  return JSON.parse(event.data) as T;
}
