/** All versions of a report, the newest first. */

import { moment } from "~/core/text/format";
import { toastFailed } from "~/shell/toast";
import { t } from "./texts";
import type { Writing } from "./writing";

/** Each can be looked at; none can be changed. */
export function Versions({ writing }: { writing: Writing }) {
  const all = writing.versions.value;
  if (all.length === 0) return null;
  return (
    <details class="report-versions" open={all.length > 1}>
      <summary>
        {t("versions")} ({all.length})
      </summary>
      <ol reversed>
        {all.map((each) => {
          const isShown = writing.shown.value?.version === each.version;
          return (
            <li key={each.version}>
              <button
                type="button"
                class="report-version-line"
                aria-current={isShown ? "true" : undefined}
                onClick={() => writing.show(each.version).catch(toastFailed)}
              >
                <strong>{t("version", { version: each.version })}</strong>
                <span class={`chip ${each.is_signed ? "chip-good" : ""}`}>
                  {t(each.is_signed ? "isSigned" : "notSigned")}
                </span>
                <span class="faint">
                  {each.author} · {moment(each.made_at)}
                </span>
                {each.reason && <span>{t("because", { reason: each.reason })}</span>}
              </button>
            </li>
          );
        })}
      </ol>
    </details>
  );
}
