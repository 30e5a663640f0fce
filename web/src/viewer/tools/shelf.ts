/** The measurements of a study: drawn, undone and done again; this tab outlives a reload. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { draft } from "~/core/drafts";
import type { KeptState } from "./keeping";
import type { Reading } from "./measure";
import { textOf } from "./reading_text";
import type { Shape } from "./shape";

/** A shape with what it measured when its image was last on the screen. */
export interface Kept extends Shape {
  readonly reading: Reading;
}

/** More would make the page slow; nobody measures that much. */
const MOST_SHAPES = 500;
const MOST_STEPS = 100;

/** The measurements of one study. */
export interface Shelf {
  readonly shapes: ReadonlySignal<readonly Kept[]>;
  readonly selected: Signal<string | null>;
  /** Whether the service has them. */
  readonly state: Signal<KeptState>;
  /** Put others in the place of all: the service had more. Steps before it are forgotten. */
  readonly adopt: (shapes: readonly Kept[]) => void;
  /** Put a shape there, or another form of one that is. */
  readonly put: (shape: Kept) => void;
  /** What a shape measured, in one line. */
  readonly textOf: (shape: Kept) => string;
  /** Show another form while it is moved; no step of undo. */
  readonly preview: (shape: Kept) => void;
  readonly remove: (id: string) => void;
  readonly clear: () => void;
  readonly undo: () => boolean;
  readonly redo: () => boolean;
  readonly canUndo: ReadonlySignal<boolean>;
  readonly canRedo: ReadonlySignal<boolean>;
}

type Shapes = readonly Kept[];

/** The shelf of a study; a reload finds it as it was. */
export function openShelf(study: number): Shelf {
  const kept = draft<Shapes>(`measured-here/${study}`, []);
  const past = signal<readonly Shapes[]>([]);
  const future = signal<readonly Shapes[]>([]);
  const selected = signal<string | null>(null);
  let before: Shapes | null = null; // of what is being moved

  const replaced = (shape: Kept): Shapes =>
    kept.value.some(({ id }) => id === shape.id)
      ? kept.value.map((each) => (each.id === shape.id ? shape : each))
      : [...kept.value, shape].slice(-MOST_SHAPES);
  const change = (to: Shapes) => {
    past.value = [...past.value.slice(1 - MOST_STEPS), before ?? kept.value];
    before = null;
    future.value = [];
    kept.value = to;
  };
  const step = (from: typeof past, to: typeof past) => {
    const found = from.value.at(-1);
    if (!found) return false;
    to.value = [...to.value, kept.value];
    from.value = from.value.slice(0, -1);
    kept.value = found;
    if (!found.some(({ id }) => id === selected.value)) selected.value = null;
    return true;
  };
  return {
    shapes: kept,
    selected,
    state: signal<KeptState>("saved"),
    adopt: (shapes) => {
      [past.value, future.value, before] = [[], [], null];
      kept.value = shapes.slice(-MOST_SHAPES);
      if (!shapes.some(({ id }) => id === selected.value)) selected.value = null;
    },
    put: (shape) => change(replaced(shape)),
    textOf: (shape) => textOf(shape, shape.reading),
    preview: (shape) => {
      before ??= kept.value;
      kept.value = replaced(shape);
    },
    remove: (id) => {
      if (selected.value === id) selected.value = null;
      change(kept.value.filter((each) => each.id !== id));
    },
    clear: () => {
      selected.value = null;
      change([]);
    },
    undo: () => step(past, future),
    redo: () => step(future, past),
    canUndo: computed(() => past.value.length > 0),
    canRedo: computed(() => future.value.length > 0),
  };
}
