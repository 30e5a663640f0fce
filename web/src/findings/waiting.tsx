/** A study without a result: what is happening, how far it is, and what to do. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, newKey, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { may } from "~/core/session";
import { number, percent } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { toastFailed } from "~/shell/toast";
import { t } from "./texts";

type Study = components["schemas"]["WholeStudy"];
type Job = Study["jobs"][number];

interface Props {
  readonly study: Study;
  /** Of the job that answers, as it is heard; null while none is. */
  readonly progress: number | null;
  readonly onChange: () => void;
}

/** Says the state in words; live by what the study page hears. */
export function Waiting({ study, progress, onChange }: Props) {
  const job = study.jobs.find((each) => each.kind === "answer") ?? null;
  const isRunning = study.state === "running" || job?.state === "leased";
  if (isRunning) return <Running job={job} progress={progress ?? job?.progress ?? 0} />;
  const isOver = study.state === "refused" || study.state === "failed";
  const problem = study.reason || job?.error || "";
  return (
    <div class="findings-waiting" role={isOver ? "alert" : "status"}>
      <h3>
        {isOver && <Icon name="alert" />} {titleOf(study)}
      </h3>
      {problem && <p>{problem}</p>}
      {study.state === "receiving" && <p class="faint">{t("receivingHint")}</p>}
      {study.state === "ready" && <p class="faint">{t("noResultHint")}</p>}
      {may("read") && (
        <button
          type="button"
          class="button"
          onClick={() => void askNow(study.id, job, onChange)}
        >
          {t(isOver ? "retryNow" : "askNow")}
        </button>
      )}
    </div>
  );
}

function titleOf(study: Study): string {
  if (study.state === "receiving") return t("receiving");
  if (study.state === "ready") return t("waiting");
  if (study.state === "refused") return t("refusedTitle");
  if (study.state === "failed") return t("failedTitle");
  return t("noResult");
}

function Running({ job, progress }: { job: Job | null; progress: number }) {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, 1_000);
    return () => clearInterval(timer);
  }, []);
  const started = job?.started_at ? new Date(job.started_at).getTime() : null;
  const seconds = started === null ? null : Math.max(0, (now.value - started) / 1_000);
  return (
    <div class="findings-waiting">
      <h3>{t("running")}</h3>
      <progress max="1" value={progress} aria-label={t("progress")} />
      <p class="faint figures">
        {percent(progress, 0)}
        {seconds !== null && ` · ${t("runningFor", { seconds: number(seconds) })}`}
        {job && job.attempts > 1 && (
          <> · {t("attempt", { n: job.attempts, of: job.max_attempts })}</>
        )}
      </p>
    </div>
  );
}

/** Put the study at the head of the queue; a parked job starts over. */
async function askNow(study: number, job: Job | null, onChange: () => void) {
  const header = { "Idempotency-Key": newKey() };
  try {
    if (job?.state === "parked") {
      await ok(
        api.POST("/api/v1/jobs/{job}/retry", {
          params: { path: { job: job.id }, header },
        }),
      );
    } else {
      await ok(
        api.POST("/api/v1/studies/{study}/answers", {
          params: { path: { study }, header },
        }),
      );
    }
    onChange();
  } catch (error) {
    toastFailed(error);
  }
}
