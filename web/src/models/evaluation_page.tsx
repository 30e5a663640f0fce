/** One evaluation: how far it is, and what it showed beside what the bundle came with. */

import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { announce } from "~/core/announce";
import { api, ok } from "~/core/api/client";
import { hear } from "~/core/events";
import { go } from "~/core/route";
import { may } from "~/core/session";
import { bytes, moment, number, percent } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Link } from "~/shell/link";
import { Show, useLoaded } from "~/shell/loaded";
import { toastDone, toastFailed } from "~/shell/toast";
import { type Bundle, once, readBundle, type WholeEvaluation } from "./asked";
import { StateChip } from "./evaluation_list";
import { FiguresTable } from "./figures_table";
import { Measured } from "./measured";
import { Facts, Panel, Scroll } from "./parts";
import { Confirm } from "./roles";
import { te } from "./texts_evaluate";
import { tf } from "./texts_figures";
import { partsOf } from "./told";
import "./charts.css";
import "./models.css";

interface Told {
  readonly evaluation: WholeEvaluation;
  readonly bundle: Bundle;
}

/** The page of an address /evaluations/N. */
export default function EvaluationPage({ route }: { route: { evaluation: number } }) {
  const number_ = route.evaluation;
  const asked = useLoaded<Told>(
    async (signal) => {
      const params = { path: { evaluation: number_ } };
      const found = await ok(
        api.GET("/api/v1/evaluations/{evaluation}", { params, signal }),
      );
      return { evaluation: found, bundle: await readBundle(found.bundle, signal) };
    },
    [number_],
  );
  const far = useMemo(() => signal<number | null>(null), [number_]);
  useEffect(() => {
    const ends = [
      hear("job", (job) => {
        const now = asked.data.value?.evaluation;
        if (!now || job.id !== now.job_id) return;
        far.value = job.progress;
        const state = STATES[job.state];
        if (!state || state === now.state) return;
        announce(te(state));
        asked.again();
      }),
      hear("reset", asked.again),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [number_]);
  return (
    <div class="page">
      <Show of={asked}>
        {(told) => <Whole told={told} far={far} again={asked.again} />}
      </Show>
    </div>
  );
}

/** States of the job as the evaluation calls them. */
const STATES: Readonly<Record<string, WholeEvaluation["state"]>> = {
  waiting: "waiting",
  leased: "running",
  done: "done",
  parked: "failed",
  cancelled: "cancelled",
};

interface Props {
  readonly told: Told;
  readonly far: Signal<number | null>;
  readonly again: () => void;
}

function Whole(props: Props) {
  const { evaluation, bundle } = props.told;
  return (
    <>
      <p>
        <Link to={`/models/${bundle.digest}`}>← {bundle.name}</Link>
      </p>
      <Head {...props} />
      <Results told={props.told} />
      {evaluation.failed_count > 0 && <FailedCases evaluation={evaluation} />}
    </>
  );
}

function Head({ told, far, again }: Props) {
  const { evaluation, bundle } = told;
  const columns = [evaluation.label_column, evaluation.patient_column].filter(Boolean);
  return (
    <section class="panel models-panel">
      <header class="models-head">
        <div class="models-head-text">
          <h1>{evaluation.title}</h1>
          <p>
            <StateChip evaluation={{ ...evaluation, progress: farOf(evaluation, far) }} />
          </p>
        </div>
        <Tools evaluation={evaluation} again={again} />
      </header>
      <Facts
        of={[
          [te("of"), <Link to={`/models/${bundle.digest}`}>{bundle.name}</Link>],
          [te("asked"), moment(evaluation.asked_at)],
          [te("finished"), moment(evaluation.made_at) || "–"],
          [te("setSize"), bytes(evaluation.set_bytes)],
          [te("table"), evaluation.labels || te("foundByItself")],
          [te("columns"), columns.join("; ") || te("foundByItself")],
        ]}
      />
      <Outcome evaluation={evaluation} far={farOf(evaluation, far)} />
    </section>
  );
}

function farOf(evaluation: WholeEvaluation, far: Signal<number | null>): number {
  return Math.max(evaluation.progress, far.value ?? 0);
}

function Outcome({ evaluation, far }: { evaluation: WholeEvaluation; far: number }) {
  const { state, problem } = evaluation;
  if (state === "failed") {
    return (
      <div class="failure" role="alert">
        <Icon name="alert" />
        <div>
          <strong>{te("failedTitle")}</strong>
          <p>{problem}</p>
          <p>{te("failedHint")}</p>
        </div>
      </div>
    );
  }
  if (state === "cancelled") return <p>{te("cancelledSaid")}</p>;
  if (state === "done") return null;
  const said =
    state === "waiting"
      ? te("waitingSaid")
      : te("progressSaid", { share: percent(far, 0) });
  return (
    <label class="models-progress">
      <span>{said}</span>
      <progress max={1} value={far} />
    </label>
  );
}

function Tools({
  evaluation,
  again,
}: {
  evaluation: WholeEvaluation;
  again: () => void;
}) {
  const isRemoving = useMemo(() => signal(false), []);
  if (!may("read")) return null;
  const { id, state, title } = evaluation;
  const report = `/api/v1/evaluations/${id}/report`;
  const isAtWork = state === "waiting" || state === "running";
  return (
    <div class="models-tools">
      {evaluation.has_report && (
        <>
          <a class="button" href={report} target="_blank" rel="noopener noreferrer">
            {te("openReport")}
          </a>
          <a class="button" href={`${report}?download=true`} download>
            <Icon name="download" /> {te("downloadReport")}
          </a>
        </>
      )}
      {isAtWork && evaluation.may_remove && (
        <button type="button" class="button" onClick={() => stop(evaluation, again)}>
          {te("stop")}
        </button>
      )}
      {evaluation.may_remove && (
        <button
          type="button"
          class="button button-danger"
          onClick={() => {
            isRemoving.value = true;
          }}
        >
          {te("remove")}
        </button>
      )}
      {isRemoving.value && (
        <Confirm
          title={te("removeTitle", { title })}
          deed={() => remove(evaluation)}
          onClose={() => {
            isRemoving.value = false;
          }}
        >
          <p>{te("removeSaid")}</p>
        </Confirm>
      )}
    </div>
  );
}

async function stop(evaluation: WholeEvaluation, again: () => void): Promise<void> {
  try {
    const params = { path: { job: evaluation.job_id }, header: once() };
    await ok(api.POST("/api/v1/jobs/{job}/cancel", { params }));
    toastDone(te("stopped"));
    again();
  } catch (error) {
    toastFailed(error);
  }
}

async function remove({ id, bundle }: WholeEvaluation): Promise<void> {
  const params = { path: { evaluation: id } };
  await ok(api.DELETE("/api/v1/evaluations/{evaluation}", { params }));
  toastDone(te("removed"));
  go(`/models/${bundle}`);
}

function Results({ told }: { told: Told }) {
  const { evaluation, bundle } = told;
  const parts = partsOf(evaluation.curves);
  const shipped = partsOf(bundle.evaluation);
  const { summary } = evaluation;
  if (!summary) return null;
  const said = { n: number(summary.n_cases), patients: number(summary.n_patients) };
  const figures = bundle.metrics["test"]?.metrics;
  const beside = shipped.length > 0 ? "resultsNote" : "resultsFigures";
  const note = te(shipped.length > 0 || figures ? beside : "resultsAlone", said);
  if (parts.length === 0) {
    return (
      <Panel title={te("results")} note={note}>
        <FiguresTable name={te("results")} metrics={summary.metrics} shipped={figures} />
      </Panel>
    );
  }
  return (
    <Measured
      title={te("results")}
      note={note}
      name={tf("external")}
      parts={parts}
      shipped={shipped}
      shippedFigures={shipped.length === 0 ? figures : undefined}
    />
  );
}

function FailedCases({ evaluation }: { evaluation: WholeEvaluation }) {
  const { failed, failed_count: count } = evaluation;
  return (
    <Panel title={te("failedCases")} note={te("failedCount", { count: number(count) })}>
      {!failed && <p class="faint">{te("failedHidden")}</p>}
      {failed && failed.length > 0 && (
        <>
          {failed.length < count && (
            <p class="faint">
              {te("firstOf", { shown: number(failed.length), count: number(count) })}
            </p>
          )}
          <Scroll name={te("failedCases")}>
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">{te("case")}</th>
                  <th scope="col">{te("reason")}</th>
                </tr>
              </thead>
              <tbody>
                {failed.map(({ case: key, reason }) => (
                  <tr key={key}>
                    <td class="models-digest">{key}</td>
                    <td>{reason}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        </>
      )}
    </Panel>
  );
}
