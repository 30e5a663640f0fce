/** What happens on the service, as it happens (server-sent events of /api/v1/events). */

import { signal } from "@preact/signals";

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

/** Whether the service can be heard now. */
export const line = signal<"opening" | "open" | "lost">("opening");

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

type Listeners = { [K in keyof Heard]: Set<(event: Heard[K]) => void> };
const listeners: Listeners = { job: new Set(), study: new Set(), reset: new Set() };
let source: EventSource | null = null;
let pause = FIRST_PAUSE_MS;
let wasLost = false;

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
  for (const listener of listeners[kind]) listener(event);
}

/** Open the line and keep it open; asked twice it is opened once. */
export function openLine(): void {
  if (source) return;
  const opened = new EventSource("/api/v1/events");
  source = opened;
  opened.addEventListener("open", () => {
    line.value = "open";
    pause = FIRST_PAUSE_MS;
    // Whatever came in between was told to nobody where the line itself is a new one.
    if (wasLost) tell("reset", null);
    wasLost = false;
  });
  opened.addEventListener("job", (event) => tell("job", parse(event)));
  opened.addEventListener("study", (event) => tell("study", parse(event)));
  opened.addEventListener("reset", () => tell("reset", null));
  opened.addEventListener("error", () => {
    // The stream ends every 15 minutes; the browser opens it again by itself then.
    if (opened.readyState !== EventSource.CLOSED) {
      line.value = "lost";
      return;
    }
    opened.close();
    source = null;
    line.value = "lost";
    wasLost = true;
    setTimeout(openLine, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  });
}

function parse<T>(event: MessageEvent<string>): T {
  return JSON.parse(event.data) as T;
}
