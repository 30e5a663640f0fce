/** What becomes of corrections: an SR of their own, and training data. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, ask, newKey, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { hear } from "~/core/events";
import { may } from "~/core/session";
import { bytes, percent } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { toastDone, toastFailed } from "~/shell/toast";
import type { Result } from "./diagnosis";
import type { Reading } from "./reading";
import { t } from "./texts";

type Export = components["schemas"]["ExportView"];

/** Two buttons; each shows what came of it. */
export function Outcome({ reading, result }: { reading: Reading; result: Result }) {
  if (!may("read")) return <p class="faint">{t("readOnly")}</p>;
  const hasWords = reading.words.value.length > 0;
  return (
    <div class="findings-outcome">
      <SaveSr reading={reading} result={result} isOff={!hasWords} />
      <Training reading={reading} result={result} isOff={!hasWords} />
      {!hasWords && <p class="faint">{t("srNone")}</p>}
    </div>
  );
}

interface Props {
  readonly reading: Reading;
  readonly result: Result;
  readonly isOff: boolean;
}

function SaveSr({ reading, result, isOff }: Props) {
  const isBusy = useSignal(false);
  const isKept = useSignal(false);
  const save = async () => {
    isBusy.value = true;
    try {
      await reading.outbox.settled(); // the SR says all that was said
      await ask(`/api/v1/results/${result.id}/corrections`, {
        method: "POST",
        headers: { "Idempotency-Key": newKey() },
      });
      isKept.value = true;
      toastDone(t("srDone"));
    } catch (error) {
      toastFailed(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <>
      <button
        type="button"
        class="button button-small"
        disabled={isOff || isBusy.value}
        onClick={() => void save()}
      >
        {t("saveSr")}
      </button>
      {isKept.value && (
        <a href={`/api/v1/results/${result.id}/corrections/sr`} download>
          <Icon name="download" /> {t("srGet")}
        </a>
      )}
    </>
  );
}

function Training({ reading, result, isOff }: Props) {
  const made = useSignal<Export | null>(null);
  const look = async (id: number) => {
    made.value = await ok(
      api.GET("/api/v1/exports/{job}", { params: { path: { job: id } } }),
    );
  };
  useEffect(
    () =>
      hear("job", (event) => {
        if (event.id === made.peek()?.id) look(event.id).catch(toastFailed);
      }),
    [],
  );
  const start = async () => {
    try {
      await reading.outbox.settled();
      made.value = await askExport(result);
    } catch (error) {
      toastFailed(error);
    }
  };
  const now = made.value;
  const isRunning = now !== null && ["waiting", "leased"].includes(now.state);
  return (
    <>
      <button
        type="button"
        class="button button-small"
        disabled={isOff || isRunning}
        onClick={() => void start()}
      >
        {t("exportIt")}
      </button>
      {now && <ExportLine made={now} />}
    </>
  );
}

function ExportLine({ made }: { made: Export }) {
  if (made.state === "done" && made.bytes !== null) {
    return (
      <span role="status" class="findings-export">
        <a href={`/api/v1/exports/${made.id}/file`} download>
          <Icon name="download" /> {t("exportGet", { size: bytes(made.bytes) })}
        </a>
        {made.held_count > 0 && (
          <span class="faint">{t("exportHeld", { count: made.held_count })}</span>
        )}
      </span>
    );
  }
  if (made.state === "parked" || made.state === "cancelled") {
    return (
      <span role="alert" class="findings-problem">
        {t("exportFailed", { problem: made.error })}
      </span>
    );
  }
  return (
    <span role="status" class="faint">
      {t("exportRuns", { percent: percent(made.progress, 0) })}
    </span>
  );
}

/** All that readers judged of this study, for the bundle that answered first. */
async function askExport(result: Result): Promise<Export> {
  const bundle = result.diagnosis.assessments[0]?.algorithm.digest ?? null;
  return ok(
    api.POST("/api/v1/exports", {
      params: { header: { "Idempotency-Key": newKey() } },
      body: { studies: [result.study_id], bundle, released: [] },
    }),
  );
}
