/** Two drafts of one reader: both are shown, the reader chooses. */

import { Icon } from "~/shell/icon";
import type { Autosave } from "./autosave";
import { Changes } from "./changes";
import { clock } from "./clock";
import { emptyContent } from "./content";
import { t } from "./texts";

/** Nothing while there is no conflict. */
export function ConflictView({ save }: { save: Autosave }) {
  if (save.state.value !== "conflict") return null;
  const theirs = save.theirs.value;
  const mine = save.kept.value.content;
  return (
    <section class="report-conflict" role="alert">
      <p>
        <Icon name="alert" /> {t("conflict")}
      </p>
      {theirs ? (
        <>
          <p class="faint">
            {t("theirsOf", { time: clock(theirs.saved_at) })} → {t("mine")}
          </p>
          <Changes before={theirs.content} after={mine} />
        </>
      ) : (
        <p>{t("gone")}</p>
      )}
      <div class="report-actions">
        <button
          type="button"
          class="button button-small button-main"
          onClick={() => save.keepMine()}
        >
          {t("keepMine")}
        </button>
        {theirs && (
          <button
            type="button"
            class="button button-small"
            onClick={() => save.takeTheirs()}
          >
            {t("takeTheirs")}
          </button>
        )}
      </div>
      {!theirs && <Changes before={emptyContent(mine.lang)} after={mine} />}
    </section>
  );
}
