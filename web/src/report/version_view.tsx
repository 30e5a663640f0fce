/** A version as it was kept: read, compared, taken away, sent. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { api, newKey, ok } from "~/core/api/client";
import { hear } from "~/core/events";
import { may } from "~/core/session";
import { moment } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { useLoaded } from "~/shell/loaded";
import { toastDone, toastFailed } from "~/shell/toast";
import { type GivenResult, originOf } from "./basis";
import { Changes } from "./changes";
import { SECTIONS, type Version } from "./content";
import { t } from "./texts";
import type { Writing } from "./writing";

interface Props {
  readonly writing: Writing;
  readonly version: Version;
  /** Of the study, the newest first. */
  readonly results: readonly GivenResult[];
}

const FORMS = [
  ["pdf", "PDF"],
  ["sr", "DICOM SR"],
  ["fhir", "FHIR"],
  ["text", "Text"],
] as const;

/** Signed words are read only; who signed them stands on top. */
export function VersionView({ writing, version, results }: Props) {
  const newest = writing.versions.value[0]?.version ?? version.version;
  const isNewest = version.version === newest;
  return (
    <article class="report-version" aria-labelledby="report-version">
      <header>
        <h3 id="report-version">
          {t("version", { version: version.version })}
          {isNewest && <span class="chip">{t("newest")}</span>}
        </h3>
        <p class={version.is_signed ? "report-signed" : "report-hint"}>
          <Icon name={version.is_signed ? "check" : "alert"} />{" "}
          {version.is_signed
            ? t("signed", { name: version.author, time: moment(version.made_at) })
            : `${t("draftMark")} · ${version.author} · ${moment(version.made_at)}`}
        </p>
        {version.reason && <p>{t("because", { reason: version.reason })}</p>}
        <Sources version={version} results={results} />
      </header>
      <div lang={version.content.lang === "zh" ? "zh-CN" : "en"}>
        {SECTIONS.filter((each) => version.content.sections[each].trim() !== "").map(
          (section) => (
            <section key={section}>
              <h4>{t(section)}</h4>
              <p class="report-text">{version.content.sections[section]}</p>
            </section>
          ),
        )}
      </div>
      <p class="faint report-digest">
        {t("digest")}: <code>{version.content_digest.slice(0, 16)}…</code>
      </p>
      <Against key={version.version} writing={writing} version={version} />
      <Downloads study={writing.study} version={version} />
      <Lacking writing={writing} version={version} />
      {may("read") && version.is_signed && (
        <Send study={writing.study} version={version.version} />
      )}
      <div class="report-actions">
        {!isNewest && (
          <button
            type="button"
            class="button button-small"
            onClick={() => writing.show(newest).catch(toastFailed)}
          >
            {t("back")}
          </button>
        )}
        {may("read") && isNewest && (
          <button
            type="button"
            class="button button-small"
            onClick={() => writing.amend()}
          >
            <Icon name="edit" /> {t("amend")}
          </button>
        )}
      </div>
    </article>
  );
}

/** Which result it rests on, and that there is a newer one. */
function Sources({ version, results }: Pick<Props, "version" | "results">) {
  const { from, wasOlder, isOlder } = originOf(version, results);
  return (
    <>
      {from && <p class="faint">{from}</p>}
      {[wasOlder, isOlder].filter(Boolean).map((said) => (
        <p key={said} class="report-hint">
          <Icon name="alert" /> {said}
        </p>
      ))}
    </>
  );
}

/** What changed since the version before, for whoever asks. */
function Against({ writing, version }: Pick<Props, "writing" | "version">) {
  const before = useSignal<Version | null>(null);
  const number = version.version - 1;
  if (number < 1) return null;
  const load = async () => {
    before.value = await ok(
      api.GET("/api/v1/studies/{study}/report/versions/{version}", {
        params: { path: { study: writing.study, version: number } },
      }),
    );
  };
  return (
    <details
      onToggle={(event) => {
        if (event.currentTarget.open && !before.value) load().catch(toastFailed);
      }}
    >
      <summary>{t("showChanges", { version: number })}</summary>
      {before.value && <Changes before={before.value.content} after={version.content} />}
    </details>
  );
}

/** Files of a version, and the paper; of a signed one those that are kept. */
function Downloads({ study, version }: { study: number; version: Version }) {
  const kinds = new Set(version.objects.map((each) => each.kind));
  const forms = FORMS.filter(
    ([form]) => !version.is_signed || kinds.has(form.toUpperCase()),
  );
  return (
    <p class="report-downloads">
      <span class="faint">{t("download")}:</span>
      {forms.map(([form, name]) => (
        <a
          key={form}
          href={`/api/v1/studies/${study}/report/versions/${version.version}/${form}`}
          download
        >
          {form === "text" ? t("formText") : name}
        </a>
      ))}
      <button
        type="button"
        class="button button-small"
        onClick={() => globalThis.print()}
      >
        {t("print")}
      </button>
    </p>
  );
}

/** What could not be made with the signature, and asking for it. */
function Lacking({ writing, version }: Pick<Props, "writing" | "version">) {
  const { study } = writing;
  useEffect(
    () =>
      hear("job", (event) => {
        const isOurs = event.kind === "report" && event.study_id === study;
        if (!isOurs || event.state !== "done") return;
        if (writing.shown.peek()?.version !== version.version) return;
        writing.show(version.version).catch(toastFailed);
      }),
    [study, version.version],
  );
  if (version.files === "none" || version.files === "whole") return null;
  const kinds = new Set(version.objects.map((each) => each.kind));
  const forms = FORMS.filter(([form]) => !kinds.has(form.toUpperCase()))
    .map(([, name]) => name)
    .join(", ");
  const ask = async () => {
    try {
      await ok(
        api.POST("/api/v1/studies/{study}/report/versions/{version}/files", {
          params: {
            path: { study, version: version.version },
            header: { "Idempotency-Key": newKey() },
          },
        }),
      );
      toastDone(t("filesAsked"));
    } catch (error) {
      toastFailed(error);
    }
  };
  return (
    <p class="report-hint" role="status">
      <Icon name="alert" />{" "}
      {t(version.files === "owed" ? "filesOwed" : "filesLacking", { forms })}{" "}
      {may("read") && (
        <button type="button" class="button button-small" onClick={() => void ask()}>
          {t("filesNow")}
        </button>
      )}
    </p>
  );
}

function Send({ study, version }: { study: number; version: number }) {
  const found = useLoaded(() => ok(api.GET("/api/v1/destinations")), []);
  const chosen = useSignal("");
  const names = (found.data.value ?? []).map((each) => each.name);
  if (found.data.value && names.length === 0) {
    return <p class="faint">{t("noDestination")}</p>;
  }
  const send = async () => {
    const destination = chosen.value || (names[0] ?? "");
    try {
      await ok(
        api.POST("/api/v1/studies/{study}/report/versions/{version}/sendings", {
          params: { path: { study, version }, header: { "Idempotency-Key": newKey() } },
          body: { destination },
        }),
      );
      toastDone(t("sendQueued", { name: destination }));
    } catch (error) {
      toastFailed(error);
    }
  };
  return (
    <div class="report-send">
      <label>
        {t("sendTo")}{" "}
        <select
          value={chosen.value || names[0]}
          onChange={(event) => {
            chosen.value = event.currentTarget.value;
          }}
        >
          {names.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <button type="button" class="button button-small" onClick={() => void send()}>
        {t("send")}
      </button>
    </div>
  );
}
