/** Other studies of the same patient, to open or to lay beside this one. */

import { api, ok } from "~/core/api/client";
import { addressOf, readFilters } from "~/core/filters";
import { go } from "~/core/route";
import { day } from "~/core/text/format";
import { Link } from "~/shell/link";
import { Show, useLoaded } from "~/shell/loaded";
import { whenCalm } from "~/viewer/load/calm";
import type { Study } from "./opened";
import { t } from "./texts";

/** Found by Patient ID alone: a name is no identity. */
export function Priors({ study, prior }: { study: Study; prior: number | null }) {
  const { id } = study.patient;
  return (
    <section>
      <h3>{t("priors")}</h3>
      {id ? (
        <Found study={study} prior={prior} />
      ) : (
        <p class="faint">{t("noPatientId")}</p>
      )}
    </section>
  );
}

function Found({ study, prior }: { study: Study; prior: number | null }) {
  const found = useLoaded(
    async (abort) => {
      await whenCalm(); // the images of this study come first
      const query = { patient_id: study.patient.id, order: "newest", limit: 50 } as const;
      return ok(api.GET("/api/v1/studies", { params: { query }, signal: abort }));
    },
    [study.id, study.patient.id],
  );
  return (
    <Show of={found}>
      {({ items }) => {
        const others = items
          .filter((each) => each.id !== study.id)
          .sort((a, b) => (b.study_date ?? "").localeCompare(a.study_date ?? ""));
        if (others.length === 0) return <p class="faint">{t("noPriors")}</p>;
        return (
          <ul class="study-priors">
            {others.map((each) => (
              <li key={each.id}>
                <span>
                  <strong>{day(each.study_date) || each.id}</strong>{" "}
                  {[each.modalities.join(", "), each.description]
                    .filter(Boolean)
                    .join(" · ")}
                </span>
                <span class="study-priors-actions">
                  <button
                    type="button"
                    class="button button-small"
                    aria-pressed={prior === each.id}
                    onClick={() => beside(study.id, prior === each.id ? null : each.id)}
                  >
                    {t(prior === each.id ? "noBeside" : "beside")}
                  </button>
                  <Link to={inList(each.id)}>{t("open")}</Link>
                </span>
              </li>
            ))}
          </ul>
        );
      }}
    </Show>
  );
}

/** The address of a study, out of the list that one came from. */
function inList(study: number, prior: number | null = null): string {
  const list = readFilters(new URLSearchParams(location.search));
  const address = addressOf(list, `/studies/${study}`);
  if (prior === null) return address;
  return `${address}${address.includes("?") ? "&" : "?"}prior=${prior}`;
}

function beside(study: number, prior: number | null): void {
  go(inList(study, prior), { replace: true });
}
