/** The report as it is written: one text area for each section. */

import { useId, useRef } from "preact/hooks";
import { LANGS } from "~/core/text/lang";
import { toastFailed } from "~/shell/toast";
import { ConflictView } from "./conflict";
import {
  type Content,
  insertAt,
  LONGEST,
  SECTIONS,
  type Section,
  withSection,
} from "./content";
import { type Insertable, InsertMenu } from "./insert_menu";
import { t } from "./texts";
import type { Writing } from "./writing";

interface Props {
  readonly writing: Writing;
  readonly insertables: readonly Insertable[];
}

const ROWS: Readonly<Record<Section, number>> = {
  indication: 2,
  examined: 2,
  findings: 7,
  comparison: 2,
  impression: 4,
};

/** "[AI]", "[AI, accepted]", "[AI，意见不一]": who stands behind a sentence. */
const AI_MARK = /\[AI[\],，]/;

/** Where the cursor was last. */
interface Cursor {
  readonly section: Section;
  readonly start: number;
  readonly end: number;
}

/** What is typed is saved by itself; see `Autosave`. */
export function Editor({ writing, insertables }: Props) {
  const { save } = writing;
  const id = useId();
  const cursor = useRef<Cursor>({ section: "findings", start: -1, end: -1 });
  const fields = useRef(new Map<Section, HTMLTextAreaElement>());
  const { content } = save.kept.value;
  const hasMark = SECTIONS.some((each) => AI_MARK.test(content.sections[each]));

  const insert = (piece: string) => {
    const { section, start, end } = cursor.current;
    const text = save.kept.peek().content.sections[section];
    const from = start < 0 ? text.length : Math.min(start, text.length);
    const put = insertAt(text, piece, from, Math.max(from, Math.min(end, text.length)));
    save.change(withSection(save.kept.peek().content, section, put.text));
    const field = fields.current.get(section);
    field?.focus();
    // The text is set by the next render; the cursor goes behind what was put in.
    requestAnimationFrame(() => field?.setSelectionRange(put.cursor, put.cursor));
  };

  return (
    <div class="report-editor">
      <div class="report-bar">
        <Language writing={writing} content={content} />
        <InsertMenu insertables={insertables} onInsert={insert} />
      </div>
      {hasMark && <p class="report-hint">{t("aiHint")}</p>}
      <ConflictView save={save} />
      {SECTIONS.map((section) => (
        <div key={section} class="field report-field">
          <label for={`${id}-${section}`}>{t(section)}</label>
          <textarea
            id={`${id}-${section}`}
            ref={(field) => {
              if (field) fields.current.set(section, field);
            }}
            lang={content.lang === "zh" ? "zh-CN" : "en"}
            rows={ROWS[section]}
            maxLength={LONGEST}
            spellcheck
            value={content.sections[section]}
            onInput={({ currentTarget: field }) => {
              save.change(withSection(save.kept.peek().content, section, field.value));
            }}
            onBlur={({ currentTarget: field }) => {
              cursor.current = {
                section,
                start: field.selectionStart,
                end: field.selectionEnd,
              };
            }}
          />
        </div>
      ))}
    </div>
  );
}

/** Switching offers the other draft; nothing that was written goes. */
function Language({ writing, content }: { writing: Writing; content: Content }) {
  return (
    <fieldset class="report-language">
      <legend class="unseen">{t("language")}</legend>
      {LANGS.map((each) => (
        <button
          key={each}
          type="button"
          class="button button-small"
          lang={each === "zh" ? "zh-CN" : "en"}
          aria-pressed={content.lang === each}
          onClick={() => writing.turnTo(each).catch(toastFailed)}
        >
          {each === "en" ? "English" : "中文"}
        </button>
      ))}
    </fieldset>
  );
}
