/** The help page of keys: every command that can be reached, each of them remappable. */

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { chordOf, keycaps } from "~/core/keys/chord";
import {
  type Command,
  commands,
  keysOf,
  PLACES,
  type Place,
  remap,
  remapped,
  rivals,
} from "~/core/keys/commands";
import { Dialog } from "./dialog";
import { t } from "./texts";

/** Whether the help page is open. */
export const isHelpOpen = signal(false);

const waiting = signal<{ id: string; problem: string } | null>(null);

/** The help page; nothing while it is closed. */
export function KeysDialog() {
  if (!isHelpOpen.value) return null;
  const close = () => {
    isHelpOpen.value = false;
    waiting.value = null;
  };
  const isChanged = Object.keys(remapped.value).length > 0;
  return (
    <Dialog
      title={t("keys")}
      onClose={close}
      isWide
      actions={
        isChanged && (
          <button type="button" class="button" onClick={restoreAll}>
            {t("restoreAll")}
          </button>
        )
      }
    >
      <div class="key-places">
        {PLACES.map((place) => (
          <KeyPlace key={place} place={place} />
        ))}
      </div>
    </Dialog>
  );
}

function KeyPlace({ place }: { place: Place }) {
  const here = commands.value.filter((each) => each.place === place);
  if (here.length === 0) return null;
  return (
    <section class="key-place">
      <h3>{t(place)}</h3>
      <ul>
        {here.map((command) => (
          <KeyLine key={command.id} command={command} />
        ))}
      </ul>
    </section>
  );
}

function KeyLine({ command }: { command: Command }) {
  const isWaiting = waiting.value?.id === command.id;
  const isChanged = command.id in remapped.value;
  return (
    <li class="key-line">
      <span class="key-text">{command.text()}</span>
      <span class="key-chords">
        {keysOf(command).map((chord) => (
          <Chord key={chord} chord={chord} />
        ))}
      </span>
      <button
        type="button"
        class="button button-small"
        aria-label={`${t("change")}: ${command.text()}`}
        onClick={() => {
          waiting.value = { id: command.id, problem: "" };
        }}
      >
        {isWaiting ? t("pressKey") : t("change")}
      </button>
      {isChanged && (
        <button
          type="button"
          class="button button-small"
          aria-label={`${t("restore")}: ${command.text()}`}
          onClick={() => take(command, null)}
        >
          {t("restore")}
        </button>
      )}
      {isWaiting && <KeyCatch command={command} />}
    </li>
  );
}

function KeyCatch({ command }: { command: Command }) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // The key has come, and this part of the page has not gone yet.
      if (waiting.value?.id !== command.id) return;
      const chord = chordOf(event);
      if (!chord || chord === "Tab" || chord === "Shift+Tab") return;
      event.preventDefault();
      event.stopPropagation();
      // Enter that opened this may still be held.
      if (event.repeat) return;
      if (chord === "Escape") waiting.value = null;
      else take(command, chord);
    };
    // Before the dialog and the commands hear of it.
    window.addEventListener("keydown", onKey, { capture: true });
    return () => window.removeEventListener("keydown", onKey, { capture: true });
  }, [command]);
  return (
    <p class="key-hint" role="status">
      {waiting.value?.problem || t("keysHint")}
    </p>
  );
}

/** Map a command to a chord, or to its own keys again; not where another one has them. */
function take(command: Command, chord: string | null): void {
  const wanted = chord === null ? command.keys : [chord];
  const [taken] = wanted.flatMap((key) =>
    rivals(command, key).map((rival) => ({ key, rival })),
  );
  if (taken) {
    const said = {
      key: keycaps(taken.key).join(" "),
      command: taken.rival.text(),
    };
    waiting.value = { id: command.id, problem: t("taken", said) };
  } else {
    remap(command.id, chord === null ? null : [chord]);
    waiting.value = null;
  }
}

function restoreAll(): void {
  remapped.value = {};
}

/** A chord as keycaps. */
export function Chord({ chord }: { chord: string }) {
  return (
    <span class="chord">
      {keycaps(chord).map((cap) => (
        <kbd key={cap}>{cap}</kbd>
      ))}
    </span>
  );
}
