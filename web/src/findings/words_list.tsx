/** What readers said of a finding: who, when, and whether they agree. */

import { me } from "~/core/session";
import { moment } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import type { Letter } from "./outbox";
import type { Reading } from "./reading";
import type { Saying } from "./sending";
import { t } from "./texts";
import { type Word, wordsOn } from "./verdicts";
import { nameOf } from "./words";

interface Props {
  readonly reading: Reading;
  readonly findingKey: string;
  readonly isDisputed: boolean;
}

/** Last words of all readers, those on their way among them; all words behind a fold. */
export function Words({ reading, findingKey, isDisputed }: Props) {
  const all = reading.words.value.filter(
    (word) => `${word.assessment}/${word.finding}` === findingKey,
  );
  const last = wordsOn(reading.words.value, findingKey);
  const letters = reading.outbox.letters.value.filter(
    ({ about, state }) => about === findingKey && state !== "held",
  );
  if (last.length === 0 && letters.length === 0) return null;
  return (
    <div class="findings-words">
      {isDisputed && (
        <span class="chip chip-warn">
          <Icon name="alert" /> {t("disputed")}
        </span>
      )}
      <ul>
        {last.map((word) => (
          <Said key={word.id} word={word} reading={reading} />
        ))}
      </ul>
      {letters.map((letter) => (
        <Trouble key={letter.key} letter={letter} reading={reading} />
      ))}
      {all.length > last.length && (
        <details>
          <summary>{t("history", { count: all.length })}</summary>
          <ul class="faint">
            {all.map((word) => (
              <Said key={word.id} word={word} reading={reading} />
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function Said({ word, reading }: { word: Word; reading: Reading }) {
  const isMine = word.reader === me.value?.name;
  const label = word.label && nameOf(reading.result.value, word.label);
  return (
    <li class="findings-word">
      <span class={`findings-verdict is-${word.verdict}`}>
        <Icon name={ICONS[word.verdict]} /> {t(`said_${word.verdict}`)}
        {label && `: ${label}`}
      </span>{" "}
      <span class="faint">
        {isMine ? t("you") : word.reader} · {word.at ? moment(word.at) : t("held")}
      </span>
      {word.at === "" && <Undo reading={reading} word={word} />}
      {word.comment && <q class="findings-quote">{word.comment}</q>}
    </li>
  );
}

/** Takes a word back that is still held. */
function Undo({ reading, word }: { reading: Reading; word: Word }) {
  const about = `${word.assessment}/${word.finding}`;
  const held = reading.outbox.letters.value.find(
    (letter) => letter.state === "held" && letter.about === about,
  );
  if (!held) return null;
  return (
    <button
      type="button"
      class="button button-small findings-undo"
      onClick={() => reading.outbox.drop(held.key)}
    >
      {t("undo")}
    </button>
  );
}

const ICONS = { accept: "check", reject: "close", correct: "edit", add: "plus" } as const;

/** A word that did not get through. */
function Trouble({ letter, reading }: { letter: Letter<Saying>; reading: Reading }) {
  if (letter.state === "ready") return null;
  const isLost = letter.state === "lost";
  return (
    <p class="findings-trouble" role="alert">
      <Icon name="alert" />
      <span>{isLost ? t("lost") : t("refused", { problem: letter.problem })}</span>
      <button
        type="button"
        class="button button-small"
        onClick={() => reading.outbox.retry(letter.key)}
      >
        {t("again")}
      </button>
      {!isLost && (
        <button
          type="button"
          class="button button-small"
          onClick={() => reading.outbox.drop(letter.key)}
        >
          {t("dropIt")}
        </button>
      )}
    </p>
  );
}
