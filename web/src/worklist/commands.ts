/** The worklist's commands: keys, buttons and the help page ask this table. */

import {
  ADVICES,
  type Advice,
  addressOf,
  NO_FILTERS,
  READINGS,
  STATES,
  toggled,
} from "~/core/filters";
import type { Command } from "~/core/keys/commands";
import { go } from "~/core/route";
import { may } from "~/core/session";
import { answer, isHowOpen, open, openInTab, removing } from "./actions";
import type { Study } from "./rows";
import {
  density,
  filters,
  list,
  selectAt,
  selected,
  selectedAt,
  setFilters,
  sortAgain,
} from "./store";
import { t } from "./texts";

/** What the commands need of the page. */
export interface Hands {
  /** Lines that fit on the screen. */
  readonly pageOf: () => number;
  readonly focusSearch: () => void;
  readonly toTop: () => void;
}

const ADVICE_KEYS: Readonly<Record<Advice, string>> = {
  refer: "l",
  outside: "x",
  unsure: "v",
  not_assessable: "i",
  measured: "m",
  nothing_found: "z",
};

type Short = Omit<Command, "place" | "id">;

/** All commands of the page. */
export function commandsOf(hands: Hands): readonly Command[] {
  const table: Readonly<Record<string, Short>> = {
    ...moves(hands),
    ...deeds(),
    ...narrowings(hands),
  };
  return Object.entries(table).map(([id, command]) => ({
    ...command,
    id: `worklist.${id}`,
    place: "worklist",
  }));
}

const hasLines = () => list.lines.value.studies.length > 0;

function moves(hands: Hands): Readonly<Record<string, Short>> {
  const move = (text: () => string, keys: readonly string[], to: () => number) => ({
    text,
    keys,
    run: () => selectAt(to()),
    when: hasLines,
  });
  const at = () => selectedAt.value;
  return {
    next: move(
      () => t("next"),
      ["j", "ArrowDown"],
      () => at() + 1,
    ),
    previous: move(
      () => t("previous"),
      ["k", "ArrowUp"],
      () => at() - 1,
    ),
    "page-down": move(
      () => t("pageDown"),
      ["PageDown"],
      () => at() + hands.pageOf(),
    ),
    "page-up": move(
      () => t("pageUp"),
      ["PageUp"],
      () => at() - hands.pageOf(),
    ),
    first: move(
      () => t("first"),
      ["Home"],
      () => 0,
    ),
    last: move(
      () => t("last"),
      ["End"],
      () => list.lines.value.studies.length - 1,
    ),
    top: { text: () => t("toTop"), keys: ["."], run: hands.toTop, when: hasLines },
  };
}

function deeds(): Readonly<Record<string, Short>> {
  const deed = (
    text: () => string,
    keys: readonly string[],
    run: (study: Study) => void,
    isAllowed: () => boolean = () => true,
  ) => ({
    text,
    keys,
    run: () => {
      if (selected.value) run(selected.value);
    },
    when: () => selected.value !== null && isAllowed(),
  });
  return {
    open: deed(() => t("open"), ["Enter"], open),
    "open-tab": deed(() => t("openTab"), ["o"], openInTab),
    answer: deed(
      () => t("answerAgain"),
      ["a"],
      (study) => void answer(study),
      () => may("read"),
    ),
    remove: deed(
      () => t("remove"),
      ["Delete"],
      (study) => {
        removing.value = study;
      },
      () => may("administer"),
    ),
  };
}

function narrowings(hands: Hands): Readonly<Record<string, Short>> {
  const toggle = (name: () => string, key: string, run: () => void): Short => ({
    text: () => t("toggle", { name: name() }),
    keys: [key],
    run,
  });
  const states = STATES.map((state, at) => [
    `state-${state}`,
    toggle(
      () => t(state),
      String(at + 1),
      () => setFilters({ state: toggled(filters.value.state, state) }),
    ),
  ]);
  const advices = ADVICES.map((advice) => [
    `advice-${advice}`,
    toggle(
      () => t(advice),
      ADVICE_KEYS[advice],
      () => setFilters({ advice: toggled(filters.value.advice, advice) }),
    ),
  ]);
  const readings = READINGS.map((reading, at) => [
    `reading-${reading}`,
    toggle(
      () => t(reading),
      String(at + 7),
      () => setFilters({ reading: toggled(filters.value.reading, reading) }),
    ),
  ]);
  return {
    search: { text: () => t("toSearch"), keys: ["/"], run: hands.focusSearch },
    urgent: {
      text: () => t("byUrgent"),
      keys: ["u"],
      run: () => setFilters({ order: "urgent" }),
    },
    newest: {
      text: () => t("byNewest"),
      keys: ["n"],
      run: () => setFilters({ order: "newest" }),
    },
    ...Object.fromEntries([...advices, ...states, ...readings]),
    clear: { text: () => t("clear"), keys: ["0"], run: clearFilters },
    again: { text: () => t("sortAgain"), keys: ["r"], run: () => void sortAgain() },
    density: { text: () => t("density"), keys: ["d"], run: toggleDensity },
    how: {
      text: () => t("help"),
      keys: ["h"],
      run: () => {
        isHowOpen.value = true;
      },
    },
  };
}

/** All filters out; the order stays. */
export function clearFilters(): void {
  go(addressOf({ ...NO_FILTERS, order: filters.value.order }));
}

/** Comfortable lines, or compact ones. */
export function toggleDensity(): void {
  density.value = density.value === "compact" ? "comfortable" : "compact";
}
