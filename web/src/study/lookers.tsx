/** Who looked at a study: for those who may read the trail. */

import { useSignal } from "@preact/signals";
import { api, ok } from "~/core/api/client";
import { may } from "~/core/session";
import { moment } from "~/core/text/format";
import { toastFailed } from "~/shell/toast";
import { t } from "./texts";

interface Line {
  readonly number: number;
  readonly at: number;
  readonly who: string;
  readonly action: string;
}

const MOST = 100;

/** Read when it is opened: reading the trail leaves a line in it, too. */
export function Lookers({ study }: { study: number }) {
  const lines = useSignal<readonly Line[] | null>(null);
  if (!may("administer")) return null;
  const load = async () => {
    const page = await ok(
      api.GET("/api/v1/trail", { params: { query: { study_id: study, limit: MOST } } }),
    );
    lines.value = page.rows;
  };
  return (
    <details
      onToggle={(event) => {
        if (event.currentTarget.open) load().catch(toastFailed);
      }}
    >
      <summary>{t("lookers")}</summary>
      {lines.value?.length === 0 && <p class="faint">{t("noLookers")}</p>}
      <ul class="study-list">
        {(lines.value ?? []).map((each) => (
          <li key={each.number}>
            <strong>{each.who}</strong> {each.action}{" "}
            <span class="faint figures">
              {moment(new Date(1_000 * each.at).toISOString())}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}
