/** What the reading page holds of one open study. */

import { type Signal, signal } from "@preact/signals";
import type { components } from "~/core/api/schema";
import { oneOf, preference } from "~/core/prefs";
import { createReading, type Reading } from "~/findings/reading";
import { createWriting, type Writing } from "~/report/writing";
import { createStage, type Stage } from "~/viewer/stage";

export type Study = components["schemas"]["WholeStudy"];
export type TabKey = "findings" | "report" | "study";

/** Whether the panel is there; a reader's choice for all studies. */
export const isPanelOpen = preference<"open" | "closed">(
  "panel",
  "open",
  oneOf("open", "closed"),
);

/** The state of one open study. */
export interface Opened {
  readonly stage: Stage;
  readonly reading: Reading;
  readonly writing: Writing;
  readonly tab: Signal<TabKey>;
}

/** Open a study. */
export function openStudy(study: number): Opened {
  const stage = createStage();
  return {
    stage,
    reading: createReading(study, stage),
    writing: createWriting(study),
    tab: signal<TabKey>("findings"),
  };
}

/** Show a panel, and the panel's place if it was away. */
export function turnTo(opened: Opened, tab: TabKey): void {
  isPanelOpen.value = "open";
  opened.tab.value = tab;
}
