/** Accept, reject, edit, comment, and putting a finding's layers away. */

import { keycaps } from "~/core/keys/chord";
import { type Command, commands, keysOf } from "~/core/keys/commands";
import { me } from "~/core/session";
import { Icon, type IconName } from "~/shell/icon";
import { type Form, openForm } from "./forms";
import type { Reading } from "./reading";
import { isOverlaid } from "./reading";
import { sayOf } from "./say";
import { t } from "./texts";
import { wordsOn } from "./verdicts";

interface Props {
  readonly reading: Reading;
  readonly findingKey: string;
  readonly name: string;
}

/** The buttons of one finding; the keys do the same for the one that is picked. */
export function RowActions({ reading, findingKey, name }: Props) {
  const mine = wordsOn(reading.words.value, findingKey).find(
    (word) => word.reader === me.value?.name,
  );
  const isAway = reading.away.value.has(findingKey);
  const verdict = (said: "accept" | "reject", icon: IconName) => (
    <button
      type="button"
      class={`button button-small findings-${said}`}
      aria-pressed={mine?.verdict === said}
      aria-label={`${t(said)}: ${name}`}
      title={hint(said)}
      onClick={() => sayOf(reading, findingKey, said)}
    >
      <Icon name={icon} /> {t(said)}
    </button>
  );
  const form = (kind: Form["kind"], icon: IconName) => (
    <button
      type="button"
      class="icon-button findings-tool"
      aria-label={`${t(kind)}: ${name}`}
      title={hint(kind)}
      onClick={() => openForm(reading, findingKey, kind)}
    >
      <Icon name={icon} />
    </button>
  );
  return (
    <div class="findings-actions">
      {verdict("accept", "check")}
      {verdict("reject", "close")}
      {form("edit", "edit")}
      {form("comment", "comment")}
      {isOverlaid(reading, findingKey) && (
        <button
          type="button"
          class="icon-button findings-tool"
          aria-pressed={isAway}
          aria-label={`${t(isAway ? "show" : "hide")}: ${name}`}
          onClick={() => toggleAway(reading, findingKey)}
        >
          <Icon name={isAway ? "eye-off" : "eye"} />
        </button>
      )}
    </div>
  );
}

function toggleAway(reading: Reading, key: string): void {
  const next = new Set(reading.away.value);
  if (!next.delete(key)) next.add(key);
  reading.away.value = next;
}

/** "Accept (Y)" as a tooltip. */
function hint(name: "accept" | "reject" | "edit" | "comment"): string {
  const found: Command | undefined = commands.value.find(
    (each) => each.id === `findings.${name}`,
  );
  const [chord] = found ? keysOf(found) : [];
  return chord ? `${t(name)} (${keycaps(chord).join(" ")})` : t(name);
}
