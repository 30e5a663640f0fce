/** An alarm of drift: what changed, and a person who says that it was seen. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import { draft, forget } from "~/core/drafts";
import { may } from "~/core/session";
import { moment } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { toastDone, toastFailed } from "~/shell/toast";
import { type Look, once } from "./asked";
import { featuresOf, patientsOf, shareOf } from "./drift_report";
import { whole } from "./figure";
import { whenOf } from "./looks";
import { tl } from "./texts_living";

/** One alarm; with `onSeen` it can be closed. */
export function AlarmCard({ alarm, onSeen }: { alarm: Look; onSeen?: () => void }) {
  const { report } = alarm;
  const at = {
    site: alarm.site || tl("unnamedSite"),
    number: alarm.number,
    when: whenOf(alarm.number),
    at: moment(alarm.at),
    answers: patientsOf(report),
    reference: String(report["reference"] ?? "–"),
  };
  return (
    <article class={onSeen ? "models-alarm" : "models-alarm models-alarm-seen"}>
      <h3>
        <Icon name={onSeen ? "alert" : "check"} /> {tl("alarmOf", { month: alarm.month })}
      </h3>
      <p>{tl("alarmAt", at)}</p>
      <Family report={report} family="answers" name={tl("answersFamily")} />
      <Family report={report} family="images" name={tl("imagesFamily")} />
      <p class="faint">
        {tl("positiveNow", { share: whole(shareOf(report, "positive"), "share") })}{" "}
        {tl("outsideNow", { share: whole(shareOf(report, "outside"), "share") })}
      </p>
      <p class="faint">{tl("alarmSays")}</p>
      {onSeen && may("read") && <SeenForm alarm={alarm} onSeen={onSeen} />}
      {alarm.seen_at && (
        <p>
          {tl("seen")}: {moment(alarm.seen_at)}
          {alarm.note && ` – ${alarm.note}`}
        </p>
      )}
    </article>
  );
}

function Family({
  report,
  family,
  name,
}: {
  report: Look["report"];
  family: "answers" | "images";
  name: string;
}) {
  const found = featuresOf(report, family);
  if (!found) return null;
  const lines = found.features
    .slice(0, 3)
    .map(({ name: feature, before, now }) =>
      tl("featureLine", { name: feature, before, now }),
    );
  return (
    <p>
      <strong>{name}</strong>: p {found.p}. {tl("changedMost")}: {lines.join("; ")}.
    </p>
  );
}

function SeenForm({ alarm, onSeen }: { alarm: Look; onSeen: () => void }) {
  const key = `alarm/${alarm.id}`;
  const note = useMemo(() => draft(key, ""), [key]);
  const isBusy = useMemo(() => signal(false), []);
  const see = async (event: Event) => {
    event.preventDefault();
    isBusy.value = true;
    try {
      const params = { path: { number: alarm.id }, header: once() };
      const body = { note: note.value.trim() };
      await ok(api.POST("/api/v1/monitor/alarms/{number}/seen", { params, body }));
      forget(key);
      toastDone(tl("seenDone"));
      onSeen();
    } catch (error) {
      toastFailed(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <form class="models-tools" onSubmit={see}>
      <label class="field models-grow">
        <span>{tl("note")}</span>
        <input
          type="text"
          maxLength={500}
          value={note.value}
          onInput={(event) => {
            note.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="submit" class="button button-main" disabled={isBusy.value}>
        {tl("markSeen")}
      </button>
    </form>
  );
}
