/** All panes of an open study, which of them is active, and what the mouse does. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { Library } from "../load/library";
import type { SeriesLine, WholeStudy } from "../load/study";
import type { Stage } from "../stage";
import { createPane, type Pane } from "./pane_state";

/** Tools of the left button that the panes know; others belong to what lies over them. */
export const BASIC_TOOLS = ["window", "pan", "zoom", "scroll"] as const;

/** Rows and columns of panes. */
export type Grid = readonly [rows: number, columns: number];

/** The shared state of the viewer. */
export interface Desk {
  readonly stage: Stage;
  readonly library: Library;
  /** The study that is read; a prior one beside it. */
  readonly study: Signal<WholeStudy | null>;
  readonly prior: Signal<WholeStudy | null>;
  readonly grid: Signal<Grid>;
  readonly panes: Signal<readonly Pane[]>;
  readonly active: Signal<number>;
  readonly activePane: ReadonlySignal<Pane>;
  /** What the left button (one finger) does: "window", "pan", "zoom", "scroll", or a tool's id. */
  readonly tool: Signal<string>;
  /** What fills the place of the panes instead of them ("mpr"), null for the panes. */
  readonly mode: Signal<string | null>;
}

/** A desk with one empty pane. */
export function createDesk(stage: Stage): Desk {
  const first = createPane(0);
  const panes = signal<readonly Pane[]>([first]);
  const active = signal(0);
  return {
    stage,
    library: new Library(),
    study: signal<WholeStudy | null>(null),
    prior: signal<WholeStudy | null>(null),
    grid: signal<Grid>([1, 1]),
    panes,
    active,
    activePane: computed(() => panes.value[active.value] ?? first),
    tool: signal("window"),
    mode: signal<string | null>(null),
  };
}

/** Lay out panes; those that stay keep what they show. */
export function layOut(desk: Desk, grid: Grid): void {
  const count = grid[0] * grid[1];
  const kept = desk.panes.peek().slice(0, count);
  const added = Array.from({ length: count - kept.length }, (_, place) =>
    createPane(kept.length + place),
  );
  desk.grid.value = grid;
  desk.panes.value = [...kept, ...added];
  if (desk.active.peek() >= count) desk.active.value = 0;
}

/** Put a series into a pane. */
export function openIn(pane: Pane, study: WholeStudy, series: SeriesLine): void {
  // By our number: two studies may hold series of one UID.
  if (pane.series.peek()?.id === series.id) return;
  pane.study.value = study;
  pane.series.value = series;
}
