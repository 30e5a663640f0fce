/** The findings panel: results, assessments, layers, and what becomes of corrections. */

import { useEffect } from "preact/hooks";
import { announce } from "~/core/announce";
import type { components } from "~/core/api/schema";
import { register } from "~/core/keys/commands";
import { moment } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Failure, Loading } from "~/shell/loaded";
import { toastDone } from "~/shell/toast";
import { AssessmentCard } from "./assessment_card";
import { commandsOf } from "./commands";
import type { Result } from "./diagnosis";
import { LayerBar } from "./layer_bar";
import { ranked } from "./order";
import { Outcome } from "./outcome";
import type { Reading } from "./reading";
import { t } from "./texts";
import { Waiting } from "./waiting";
import "./findings.css";

type Study = components["schemas"]["WholeStudy"];

interface Props {
  readonly reading: Reading;
  readonly study: Study;
  /** Of the job that answers; null while none is heard. */
  readonly progress: number | null;
  /** Read the study anew. */
  readonly onChange: () => void;
}

/** Everything that the models say of the study, and what readers say of that. */
export function FindingsPanel({ reading, study, progress, onChange }: Props) {
  useEffect(
    () => register(commandsOf(reading, { announce, told: toastDone })),
    [reading],
  );
  const result = reading.result.value;
  const isBusy = study.state === "running" || study.state === "receiving";
  if (study.result_id === null) {
    return <Waiting study={study} progress={progress} onChange={onChange} />;
  }
  return (
    <div class="findings">
      {isBusy && <Waiting study={study} progress={progress} onChange={onChange} />}
      <Results reading={reading} study={study} />
      {reading.error.value !== null && (
        <Failure
          error={reading.error.value}
          onRetry={() => void reading.load(study.result_id)}
        />
      )}
      {result === null && reading.error.value === null && <Loading />}
      {result && <Strange result={result} />}
      {result && <Cards reading={reading} result={result} />}
      {result && <LayerBar stage={reading.stage} />}
      {result && <Outcome key={result.id} reading={reading} result={result} />}
    </div>
  );
}

function Cards({ reading, result }: { reading: Reading; result: Result }) {
  const { assessments } = result.diagnosis;
  return ranked(result.diagnosis).map((at) => {
    const assessment = assessments[at];
    if (!assessment) return null;
    return (
      <AssessmentCard
        key={`${result.id}/${at}`}
        reading={reading}
        result={result}
        assessment={assessment}
        at={at}
      />
    );
  });
}

/** Models that do not know such images are named before any figure of any model. */
function Strange({ result }: { result: Result }) {
  const { assessments } = result.diagnosis;
  const strange = assessments.filter((each) => each.advice === "outside");
  if (strange.length === 0) return null;
  const names = [...new Set(strange.map((each) => each.algorithm.name))];
  return (
    <p class="findings-caution" role="note">
      <Icon name="alert" />
      <strong>{t("strange", { names: names.join(t("listComma")) })}</strong>
    </p>
  );
}

/** Which of several results is shown; that it is no reader's word stands beside it. */
function Results({ reading, study }: Pick<Props, "reading" | "study">) {
  const result = reading.result.value;
  const isOlder = result !== null && result.id !== study.result_id;
  return (
    <div class="findings-results">
      <span class="chip chip-warn">{t("ai")}</span>
      {study.results.length > 1 && (
        <label class="findings-choice">
          <span class="unseen">{t("result")}</span>
          <select
            value={String(result?.id ?? study.result_id)}
            onChange={(event) => void reading.load(Number(event.currentTarget.value))}
          >
            {study.results.map((each) => (
              <option key={each.id} value={String(each.id)}>
                {moment(each.created_at)}
                {each.id === study.result_id ? ` (${t("newest")})` : ""}
              </option>
            ))}
          </select>
        </label>
      )}
      {isOlder && (
        <p class="findings-problem" role="status">
          {t("older")}{" "}
          <button
            type="button"
            class="button button-small"
            onClick={() => void reading.load(study.result_id)}
          >
            {t("toNewest")}
          </button>
        </p>
      )}
    </div>
  );
}
