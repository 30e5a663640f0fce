/** What was and is being done with a study. */

import { api, newKey, ok } from "~/core/api/client";
import { may } from "~/core/session";
import { moment, number, percent } from "~/core/text/format";
import { toastFailed } from "~/shell/toast";
import type { Study } from "./opened";
import { t } from "./texts";

type Job = Study["jobs"][number];

interface Props {
  readonly study: Study;
  readonly onChange: () => void;
}

/** The newest first; what failed says why and can be tried again. */
export function Jobs({ study, onChange }: Props) {
  return (
    <section>
      <h3>{t("jobs")}</h3>
      {study.jobs.length === 0 && <p class="faint">{t("noJobs")}</p>}
      <ul class="study-jobs">
        {study.jobs.map((job) => (
          <JobLine key={job.id} job={job} onChange={onChange} />
        ))}
      </ul>
    </section>
  );
}

const KINDS = ["answer", "send", "export", "evaluate", "shadow", "report"] as const;

function JobLine({ job, onChange }: { job: Job; onChange: () => void }) {
  const kind = KINDS.find((each) => each === job.kind);
  const isOver = job.state === "parked" || job.state === "cancelled";
  const isOpen = job.state === "waiting" || job.state === "leased";
  return (
    <li>
      <span>
        <strong>{kind ? t(`job_${kind}`) : job.kind}</strong>{" "}
        <span class={`chip ${job.state === "parked" ? "chip-bad" : ""}`}>
          {t(`state_${job.state}`)}
          {job.state === "leased" && ` ${percent(job.progress, 0)}`}
        </span>{" "}
        <span class="faint figures">
          {moment(job.started_at ?? job.created_at)}
          {took(job)}
        </span>
      </span>
      {may("read") && isOver && (
        <button
          type="button"
          class="button button-small"
          onClick={() => void change("retry", job, onChange)}
        >
          {t("retry")}
        </button>
      )}
      {may("read") && isOpen && (
        <button
          type="button"
          class="button button-small"
          onClick={() => void change("cancel", job, onChange)}
        >
          {t("cancel")}
        </button>
      )}
      {job.error && <p class="study-problem">{job.error}</p>}
    </li>
  );
}

function took(job: Job): string {
  if (!job.started_at || !job.finished_at) return "";
  const ms = new Date(job.finished_at).getTime() - new Date(job.started_at).getTime();
  return ` · ${t("took", { seconds: number(ms / 1_000, 1) })}`;
}

async function change(verb: "retry" | "cancel", job: Job, onChange: () => void) {
  const params = {
    path: { job: job.id },
    header: { "Idempotency-Key": newKey() },
  };
  try {
    await (verb === "retry"
      ? ok(api.POST("/api/v1/jobs/{job}/retry", { params }))
      : ok(api.POST("/api/v1/jobs/{job}/cancel", { params })));
    onChange();
  } catch (error) {
    toastFailed(error);
  }
}
