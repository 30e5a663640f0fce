/** Evaluations so far, of one bundle or of all; running ones move by themselves. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { hear } from "~/core/events";
import { moment, number, percent } from "~/core/text/format";
import { Link } from "~/shell/link";
import { Show, useLoaded } from "~/shell/loaded";
import { toastFailed } from "~/shell/toast";
import { type Evaluation, readEvaluations } from "./asked";
import { whole } from "./figure";
import { Scroll } from "./parts";
import { te } from "./texts_evaluate";
import { nameOf } from "./texts_names";
import type { Figures } from "./told";

/** The list with a button for what is older. */
export function EvaluationList({ bundle }: { bundle: string | null }) {
  const older = useMemo(() => signal<readonly Evaluation[]>([]), [bundle]);
  const cursor = useMemo(() => signal<string | null | undefined>(undefined), [bundle]);
  const first = useLoaded((abort) => readEvaluations(bundle, null, abort), [bundle]);
  useEffect(() => {
    const ends = [
      hear("job", (job) => {
        if (job.kind === "evaluate") first.again();
      }),
      hear("reset", first.again),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, []);
  const more = async (from: string) => {
    try {
      const page = await readEvaluations(bundle, from);
      older.value = [...older.value, ...page.items];
      cursor.value = page.next ?? null;
    } catch (error) {
      toastFailed(error);
    }
  };
  return (
    <section class="models-chart">
      <h3>{te("former")}</h3>
      <Show of={first}>
        {(page) => {
          const next = cursor.value === undefined ? page.next : cursor.value;
          const ids = new Set(page.items.map(({ id }) => id));
          const all = [...page.items, ...older.value.filter(({ id }) => !ids.has(id))];
          return (
            <>
              {all.length > 0 ? (
                <Lines of={all} />
              ) : (
                <p class="faint">{te("noFormer")}</p>
              )}
              {next && (
                <button
                  type="button"
                  class="button models-submit"
                  onClick={() => {
                    more(next);
                  }}
                >
                  {te("more")}
                </button>
              )}
            </>
          );
        }}
      </Show>
    </section>
  );
}

function Lines({ of }: { of: readonly Evaluation[] }) {
  return (
    <Scroll name={te("former")}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{te("title")}</th>
            <th scope="col">{te("state")}</th>
            <th scope="col">{te("figure")}</th>
            <th scope="col" class="number">
              {te("cases")}
            </th>
            <th scope="col">{te("asked")}</th>
          </tr>
        </thead>
        <tbody>
          {of.map((each) => (
            <tr key={each.id}>
              <td>
                <Link to={`/evaluations/${each.id}`}>{each.title}</Link>
              </td>
              <td>
                <StateChip evaluation={each} />
              </td>
              <td class="figures">{headlineOf(each.summary?.metrics)}</td>
              <td class="number">{each.summary ? number(each.summary.n_cases) : "–"}</td>
              <td>{moment(each.asked_at)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const LOOKS = {
  waiting: "",
  running: "chip-accent",
  done: "chip-good",
  failed: "chip-bad",
  cancelled: "chip-warn",
} as const;

/** The state in words; of a running one how far it is. */
export function StateChip({ evaluation }: { evaluation: Evaluation }) {
  const { state, progress } = evaluation;
  const far = state === "running" ? ` ${percent(progress, 0)}` : "";
  return <span class={`chip ${LOOKS[state]}`}>{te(state) + far}</span>;
}

/** The figure that stands first with its interval: AUROC, else Dice, else what is there. */
export function headlineOf(metrics: Figures | undefined): string {
  if (!metrics) return "–";
  const name = ["auroc", "dice"].find((each) => metrics[each]?.value != null);
  const first = name ?? Object.keys(metrics)[0];
  return first ? `${nameOf(first)} ${whole(metrics[first])}` : "–";
}
