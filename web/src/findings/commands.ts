/** The keys of the findings panel. */

import type { Command } from "~/core/keys/commands";
import { may } from "~/core/session";
import { openForm } from "./forms";
import { addedWhere } from "./order";
import type { Reading } from "./reading";
import { acceptRest, isAddedKey, sayOf, spoken, unjudged } from "./say";
import { t } from "./texts";
import { nameOf } from "./words";

interface Voice {
  readonly announce: (text: string) => void;
  readonly told: (text: string) => void;
}

function whereToAdd(reading: Reading): number | null {
  const result = reading.result.value;
  return result && addedWhere(result.diagnosis, reading.selected.value);
}

/** The form stands in the card of its model, which is opened where it was put away. */
function addFinding(reading: Reading): void {
  const at = whereToAdd(reading);
  if (at === null) return;
  const isOutside =
    reading.result.peek()?.diagnosis.assessments[at]?.advice === "outside";
  if (isOutside) reading.opened.value = new Set([...reading.opened.peek(), at]);
  openForm(reading, `${at}/+`, "edit");
}

/** Commands on the findings of a study; those that change something want the right. */
export function commandsOf(reading: Reading, voice: Voice): readonly Command[] {
  const walkBy = (by: number) => {
    reading.step(by);
    voice.announce(
      spoken(reading, {
        nameOf: (label) => nameOf(reading.result.value, label),
        statusText: (status) => t(status as "present"),
      }),
    );
  };
  const hasAny = () => reading.placed.value.length > 0;
  const isPicked = () => may("read") && reading.selected.value !== null;
  const onPicked = (act: (key: string) => void) => () => {
    const key = reading.selected.value;
    if (key) act(key);
  };
  const isOwn = () => isPicked() && !isAddedKey(reading.selected.value ?? "");
  const say = (verdict: "accept" | "reject") =>
    onPicked((key) => {
      sayOf(reading, key, verdict);
      voice.announce(t(`said_${verdict}`));
    });
  const table: readonly Omit<Command, "place">[] = [
    {
      id: "next",
      keys: ["n"],
      text: () => t("next"),
      run: () => walkBy(1),
      when: hasAny,
    },
    {
      id: "previous",
      keys: ["b"],
      text: () => t("previous"),
      run: () => walkBy(-1),
      when: hasAny,
    },
    {
      id: "accept",
      keys: ["y"],
      text: () => t("accept"),
      run: say("accept"),
      when: isPicked,
    },
    {
      id: "reject",
      keys: ["x"],
      text: () => t("reject"),
      run: say("reject"),
      when: isPicked,
    },
    {
      id: "edit",
      keys: ["Shift+e"],
      text: () => t("edit"),
      run: onPicked((key) => openForm(reading, key, "edit")),
      when: isOwn,
    },
    {
      id: "comment",
      keys: ["Shift+c"],
      text: () => t("comment"),
      run: onPicked((key) => openForm(reading, key, "comment")),
      when: isOwn,
    },
    {
      id: "add",
      keys: ["Shift+a"],
      text: () => t("addFinding"),
      run: () => addFinding(reading),
      when: () => may("read") && whereToAdd(reading) !== null,
    },
    {
      id: "accept-rest",
      keys: ["Shift+y"],
      text: () => t("acceptRest"),
      run: () => {
        const count = acceptRest(reading);
        voice.told(`${t("said_accept")}: ${count}`);
      },
      when: () => may("read") && unjudged(reading).length > 0,
    },
    {
      id: "undo",
      keys: ["u"],
      text: () => t("undo"),
      run: () => {
        if (reading.outbox.takeBack()) voice.announce(t("undone"));
      },
      when: () => reading.outbox.letters.value.some((each) => each.state === "held"),
    },
  ];
  return table.map((each) => ({
    ...each,
    id: `findings.${each.id}`,
    place: "findings" as const,
  }));
}
