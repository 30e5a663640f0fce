/** Measurements and findings that go into the text where the cursor is. */

import { useRef } from "preact/hooks";
import { Icon } from "~/shell/icon";
import { t } from "./texts";

/** Something that can be put into a report. */
export interface Insertable {
  readonly id: string;
  readonly kind: "measured" | "found";
  /** The text that goes in. */
  readonly text: string;
  /** What the list says instead, where the text is long. */
  readonly label?: string;
}

interface Props {
  readonly insertables: readonly Insertable[];
  readonly onInsert: (text: string) => void;
}

/** A list that opens; each line is a button. */
export function InsertMenu({ insertables, onInsert }: Props) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (menu.current) menu.current.open = false;
  };
  return (
    <details
      ref={menu}
      class="report-insert"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !menu.current?.open) return;
        event.stopPropagation();
        close();
        menu.current.querySelector("summary")?.focus();
      }}
    >
      <summary class="button button-small" title={t("insertHint")}>
        <Icon name="plus" /> {t("insert")}
      </summary>
      <div class="report-insert-body">
        {insertables.length === 0 && <p class="faint">{t("nothingToInsert")}</p>}
        {(["measured", "found"] as const).map((kind) => {
          const here = insertables.filter((each) => each.kind === kind);
          if (here.length === 0) return null;
          return (
            <section key={kind}>
              <h4>{t(kind)}</h4>
              {here.map((each) => (
                <button
                  key={each.id}
                  type="button"
                  onClick={() => {
                    close();
                    onInsert(each.text);
                  }}
                >
                  {each.label ?? each.text}
                </button>
              ))}
            </section>
          );
        })}
      </div>
    </details>
  );
}
