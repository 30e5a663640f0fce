/** One table of commands: keys, menus, the help page and the tests all ask it. */

import { computed, signal } from "@preact/signals";
import { preference } from "~/core/prefs";
import { chordOf } from "./chord";

/** Where a command belongs; the help page shows them in this order. */
export const PLACES = [
  "everywhere",
  "worklist",
  "viewer",
  "tools",
  "findings",
  "report",
  "models",
] as const;
export type Place = (typeof PLACES)[number];

/** Something that a person can do with a key. */
export interface Command {
  /** Unique: "viewer.next-image". */
  readonly id: string;
  readonly place: Place;
  /** What it does, in the language of the page. */
  readonly text: () => string;
  /** Chords as they come (`chordOf`); a person may map others. */
  readonly keys: readonly string[];
  readonly run: () => void;
  /** False while it would do nothing; its keys are then free for the browser. */
  readonly when?: () => boolean;
  /** Works while a text is typed, too: only for chords with Ctrl or Alt, or Escape. */
  readonly inText?: boolean;
  /** Works while a dialog is open; the dialog's own commands say so. */
  readonly inDialog?: boolean;
}

type KeyMap = Readonly<Record<string, readonly string[]>>;

const isKeyMap = (value: unknown): value is KeyMap =>
  typeof value === "object" &&
  value !== null &&
  Object.values(value).every(
    (keys) => Array.isArray(keys) && keys.every((key) => typeof key === "string"),
  );

/** Command id → chords, where a person wants others than the given ones. */
export const remapped = preference<KeyMap>("keys", {}, isKeyMap);

const table = signal<readonly Command[]>([]);

/** All commands that can be reached now, the newest last. */
export const commands = computed(() => table.value);

/**
 * Put commands into the table for as long as a part of the page is there.
 *
 * @returns takes them out again (the cleanup of an effect).
 */
export function register(added: readonly Command[]): () => void {
  const ids = new Set(added.map((command) => command.id));
  table.value = [...table.value.filter((each) => !ids.has(each.id)), ...added];
  return () => {
    table.value = table.value.filter((each) => !added.includes(each));
  };
}

/** The chords of a command, as given or as a person mapped them. */
export function keysOf(command: Command): readonly string[] {
  return remapped.value[command.id] ?? command.keys;
}

/** Map a command to other chords; null gives it its own back. */
export function remap(id: string, keys: readonly string[] | null): void {
  const { [id]: _, ...others } = remapped.value;
  remapped.value = keys === null ? others : { ...others, [id]: keys };
}

/**
 * Other commands that listen to a chord on this page, whatever their place: images,
 * tools, findings and report stand side by side, and a key must not do one thing where
 * another is meant.
 */
export function rivals(command: Command, chord: string): readonly Command[] {
  return table.value.filter(
    (other) => other.id !== command.id && keysOf(other).includes(chord),
  );
}

/** Run a command by its id, as a button does; false if it cannot run now. */
export function run(id: string): boolean {
  const found = table.value.find((each) => each.id === id);
  if (!found || found.when?.() === false) return false;
  found.run();
  return true;
}

/** What stands between a key press and the page's commands. */
export interface Situation {
  /** A text has the focus. */
  readonly isTyping: boolean;
  /** A dialog lies over the page: what is below must not change unseen. */
  readonly isInDialog: boolean;
}

/**
 * The command of a key press: of those that listen to the chord and can run, the one that
 * came last.
 */
export function commandFor(chord: string, now: Situation): Command | undefined {
  return table.value.findLast(
    (each) =>
      keysOf(each).includes(chord) &&
      (!now.isTyping || (each.inText === true && isNoText(chord))) &&
      (!now.isInDialog || each.inDialog === true) &&
      each.when?.() !== false,
  );
}

/** True of a chord that writes nothing, also where somebody mapped a command to a letter. */
function isNoText(chord: string): boolean {
  return /^(?:Ctrl|Alt)\+|^(?:Escape|F\d+)$/.test(chord);
}

/** True where a key press is text: an input, or something that says it takes keys. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) {
    return !["checkbox", "radio", "button", "submit", "range", "file"].includes(
      target.type,
    );
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** Listen to the keyboard; returns what ends it. */
export function listen(target: Window): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const found = commandFor(chordOf(event), {
      isTyping: isTyping(event.target),
      isInDialog: target.document.querySelector("dialog:modal") !== null,
    });
    if (!found || isOwnKey(event)) return;
    event.preventDefault();
    found.run();
  };
  target.addEventListener("keydown", onKey);
  return () => target.removeEventListener("keydown", onKey);
}

const PRESSED = new Set(["Enter", " "]);
const MOVED = new Set([
  "ArrowUp",
  "ArrowDown",
  "ArrowLeft",
  "ArrowRight",
  "Home",
  "End",
  "PageUp",
  "PageDown",
]);

const TAKE_PRESSES =
  "button, a[href], summary, input, [role=tab], [role=checkbox], [role=switch], " +
  "[role=option], [role=radio], [role=menuitem]";
const TAKE_MOVES =
  "input[type=range], input[type=radio], [role=tab], [role=slider], [role=listbox], " +
  "[role=option], [role=radio], [role=menuitem]";

/** Keys of a control that has the focus: Enter on a button, arrows of a slider. */
function isOwnKey(event: KeyboardEvent): boolean {
  const on = event.target;
  if (!(on instanceof Element) || event.ctrlKey || event.metaKey || event.altKey) {
    return false;
  }
  if (PRESSED.has(event.key)) return on.matches(TAKE_PRESSES);
  return MOVED.has(event.key) && on.matches(TAKE_MOVES);
}
