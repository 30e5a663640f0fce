/** What the models say of one study that was tried. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import { ProblemError } from "~/core/api/problem";
import type { components } from "~/core/api/schema";
import { hear } from "~/core/events";
import { may } from "~/core/session";
import { percent } from "~/core/text/format";
import { ProbabilityBar } from "~/findings/bar";
import {
  type Assessment,
  type Finding,
  type Result,
  readResult,
} from "~/findings/diagnosis";
import { fold, statusOf } from "~/findings/status";
import { t as say } from "~/findings/texts";
import { nameOf, phraseOf, sizeOf } from "~/findings/words";
import { Icon } from "~/shell/icon";
import { Loading, Show, useLoaded } from "~/shell/loaded";
import { Head } from "./head";
import { t } from "./texts";
import { askFor, bundle } from "./tried";

type Study = components["schemas"]["WholeStudy"];

interface Known {
  readonly study: Study;
  readonly result: Result | null;
}

/** The card of a study, live until its answer is there. */
export function Answer({ number }: { number: number }) {
  const share = useMemo(() => signal<number | null>(null), []);
  const known = useLoaded((abort) => load(number, abort), [number]);
  useEffect(() => {
    const ends = [
      hear("study", (event) => {
        if (event.id === number) known.again();
      }),
      hear("job", (event) => {
        if (event.study_id !== number || event.kind !== "answer") return;
        share.value = event.state === "leased" ? event.progress : null;
        if (event.state !== "leased") known.again();
      }),
      hear("reset", known.again),
    ];
    return () => {
      for (const end of ends) end();
    };
  }, [number]);
  const error = known.error.value;
  if (error instanceof ProblemError && error.status === 404) {
    return <p class="trial-card faint">{t("gone")}</p>;
  }
  return (
    <article class="trial-card" aria-label={t("study", { number })}>
      <Show of={known}>
        {({ study, result }) => (
          <>
            <Head study={study} />
            <div class="trial-said" aria-live="polite">
              {result ? (
                <Said result={result} />
              ) : (
                <Waiting study={study} share={share.value} />
              )}
            </div>
          </>
        )}
      </Show>
    </article>
  );
}

async function load(number: number, abort: AbortSignal): Promise<Known> {
  const study = await ok(
    api.GET("/api/v1/studies/{study}", {
      params: { path: { study: number } },
      signal: abort,
    }),
  );
  // While newer images are looked at, an older result says nothing of them.
  const isOver = !["receiving", "ready", "running"].includes(study.state);
  if (study.result_id === null || !isOver) return { study, result: null };
  const view = await ok(
    api.GET("/api/v1/results/{result}", {
      params: { path: { result: study.result_id } },
      signal: abort,
    }),
  );
  return { study, result: readResult(view) };
}

const WAITING = ["receiving", "ready", "running"] as const;

function Waiting({ study, share }: { study: Study; share: number | null }) {
  const state = WAITING.find((each) => each === study.state);
  if (state) {
    const far = state === "running" && share ? percent(share, 0) : "";
    return <Loading text={t(state)} far={far} />;
  }
  return (
    <div class="trial-caution" role="note">
      <Icon name="alert" />
      <div>
        <strong>{study.state === "failed" ? t("failed") : t("refused")}</strong>
        <p>{study.reason}</p>
        {study.state === "failed" && may("read") && (
          <button
            type="button"
            class="button button-small"
            onClick={() => void askFor(study.id, bundle.value)}
          >
            {t("again")}
          </button>
        )}
      </div>
    </div>
  );
}

function Said({ result }: { result: Result }) {
  const { assessments, left_out: leftOut } = result.diagnosis;
  if (assessments.length === 0) {
    const reasons = leftOut.map((each) => phraseOf(result, each.reason));
    return <Caution title={t("refused")} text={[...new Set(reasons)].join("; ")} />;
  }
  return (
    <>
      {assessments.map((each) => (
        <Assessed
          key={`${each.algorithm.digest}/${each.images[0]?.sop_instance_uid}`}
          result={result}
          assessment={each}
        />
      ))}
      {leftOut.length > 0 && (
        <details class="trial-left">
          <summary>
            {t("leftOut")} ({leftOut.length})
          </summary>
          <ul>
            {leftOut.map((each) => (
              <li key={each.what}>
                {each.what}: {phraseOf(result, each.reason)}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

interface Part {
  readonly result: Result;
  readonly assessment: Assessment;
}

/** No figure stands before the caution that it wants. */
function Assessed({ result, assessment }: Part) {
  const { advice, algorithm } = assessment;
  return (
    <section class="trial-assessed">
      <p class="faint">{t("by", { name: algorithm.name })}</p>
      {advice === "outside" && (
        <>
          <Caution title={say("advice_outside")} text={say("outsideWhy")} />
          <details class="trial-left">
            <summary>{say("showAnyway")}</summary>
            <Findings result={result} assessment={assessment} />
          </details>
        </>
      )}
      {advice === "not_assessable" && (
        <Caution
          title={say("advice_not_assessable")}
          text={phraseOf(result, assessment.reason)}
        />
      )}
      {advice !== "outside" && advice !== "not_assessable" && (
        <>
          <p class={`trial-advice trial-advice-${advice}`}>
            <strong>
              {say(`advice_${isDrawn(assessment) ? "nothing_drawn" : advice}`)}
            </strong>
          </p>
          <Findings result={result} assessment={assessment} />
        </>
      )}
    </section>
  );
}

/** Of masks that are empty: where no probability was given, nothing is above a point. */
function isDrawn({ advice, findings }: Assessment): boolean {
  return (
    advice === "nothing_found" && findings.every((each) => each.probability === null)
  );
}

function Caution({ title, text }: { title: string; text: string }) {
  return (
    <div class="trial-caution" role="note">
      <Icon name="alert" />
      <div>
        <strong>{title}</strong>
        <p>{text}</p>
      </div>
    </div>
  );
}

function Findings({ result, assessment }: Part) {
  const { open, folded } = fold(assessment, assessment.findings);
  return (
    <>
      <ul class="trial-findings">
        {open.map((each) => (
          <Row key={each.id} result={result} assessment={assessment} finding={each} />
        ))}
      </ul>
      {folded.length > 0 && (
        <details class="trial-left">
          <summary>{t("absent", { count: folded.length })}</summary>
          <ul class="trial-findings">
            {folded.map((each) => (
              <Row key={each.id} result={result} assessment={assessment} finding={each} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Row({ result, assessment, finding }: Part & { readonly finding: Finding }) {
  const status = statusOf(assessment, finding);
  const rule = finding.operating_point && phraseOf(result, finding.operating_point);
  return (
    <li class="trial-finding">
      <div class="trial-finding-head">
        <strong>{nameOf(result, finding.label)}</strong>
        <span class={`chip findings-status is-${status}`}>{say(status)}</span>
      </div>
      <ProbabilityBar finding={finding} rule={rule} />
      {finding.quantities.length > 0 && (
        <p class="faint figures">{finding.quantities.map(sizeOf).join(", ")}</p>
      )}
    </li>
  );
}
