/** Evaluating a bundle: choose a set, say where its labels are, send it. */

import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { go } from "~/core/route";
import { may } from "~/core/session";
import { bytes, number } from "~/core/text/format";
import { toastDone, toastFailed } from "~/shell/toast";
import type { Bundle, Evaluation } from "./asked";
import { ColumnFields, type Columns, columnsFor } from "./columns";
import { Drop } from "./drop";
import { EvaluationList } from "./evaluation_list";
import { archiveOf, commonFolder } from "./gather";
import { type Progress, packAndSend } from "./packed";
import { Panel } from "./parts";
import { ProgressBar, useIsHere } from "./progress_bar";
import { type LabelTable, tablesIn, tablesOf } from "./tables";
import { te } from "./texts_evaluate";
import type { Member } from "./zip";

/** A set that was chosen, with its tables. */
interface Chosen {
  readonly members: readonly Member[];
  readonly tables: readonly LabelTable[];
}

/** The form and the list of what was evaluated before. */
export function EvaluatePanel({ bundle }: { bundle: Bundle }) {
  return (
    <Panel id="evaluate" title={te("evaluate")}>
      {may("read") ? <Form bundle={bundle} /> : <p>{te("needRead")}</p>}
      <EvaluationList bundle={bundle.digest} />
    </Panel>
  );
}

function Form({ bundle }: { bundle: Bundle }) {
  const chosen = useMemo(() => signal<Chosen | null>(null), []);
  const title = useMemo(() => signal(""), []);
  const columns = useMemo(() => signal<Columns>(columnsFor([])), []);
  const take = async (members: readonly Member[]) => {
    if (members.length === 0) return toastFailed(new Error(te("nothing")));
    const archive = archiveOf(members);
    const tables = archive ? await tablesIn(archive) : await tablesOf(members);
    columns.value = columnsFor(tables);
    title.value = nameFor(members).slice(0, 64);
    chosen.value = { members, tables };
  };
  if (!chosen.value) {
    return (
      <Drop
        filesText={te("chooseFiles")}
        folderText={te("chooseFolder")}
        onMembers={(members) => {
          take(members).catch(toastFailed);
        }}
      >
        {te("evaluateHint")}
      </Drop>
    );
  }
  return (
    <SendForm
      bundle={bundle}
      chosen={chosen.value}
      title={title}
      columns={columns}
      onOther={() => {
        chosen.value = null;
      }}
    />
  );
}

function nameFor(members: readonly Member[]): string {
  const archive = archiveOf(members);
  return archive ? archive.name.replace(/\.zip$/i, "") : commonFolder(members);
}

interface SendProps {
  readonly bundle: Bundle;
  readonly chosen: Chosen;
  readonly title: Signal<string>;
  readonly columns: Signal<Columns>;
  readonly onOther: () => void;
}

function SendForm({ bundle, chosen, title, columns, onOther }: SendProps) {
  const progress = useMemo(() => signal<Progress | null>(null), []);
  const abort = useMemo(() => signal<AbortController | null>(null), []);
  const isHere = useIsHere();
  const send = async (event: Event) => {
    event.preventDefault();
    abort.value = new AbortController();
    try {
      const to = `/api/v1/evaluations?${queryOf(bundle.digest, title.value, columns.value)}`;
      const { body } = await packAndSend<Evaluation>(
        chosen.members,
        to,
        progress,
        abort.value.signal,
      );
      if (isHere.current) go(`/evaluations/${body.id}`);
      else toastDone(te("isSent"), title.value);
    } catch (error) {
      toastFailed(error);
    }
  };
  return (
    <form class="models-form" onSubmit={send}>
      <p class="models-tools">
        <strong>{saidOf(chosen.members)}</strong>
        <button type="button" class="button button-small" onClick={onOther}>
          {te("otherSet")}
        </button>
      </p>
      <ColumnFields tables={chosen.tables} columns={columns} />
      <label class="field">
        <span>{te("title")}</span>
        <input
          type="text"
          required
          maxLength={64}
          value={title.value}
          onInput={(event) => {
            title.value = event.currentTarget.value;
          }}
        />
        <span>{te("titleHint")}</span>
      </label>
      {progress.value ? (
        <ProgressBar progress={progress.value} onCancel={() => abort.value?.abort()} />
      ) : (
        <button type="submit" class="button button-main models-submit">
          {te("start")}
        </button>
      )}
    </form>
  );
}

function saidOf(members: readonly Member[]): string {
  const size = bytes(members.reduce((sum, { file }) => sum + file.size, 0));
  const archive = archiveOf(members);
  if (archive) return te("chosenZip", { name: archive.name, bytes: size });
  return te("chosen", { count: number(members.length), bytes: size });
}

function queryOf(bundle: string, title: string, columns: Columns): URLSearchParams {
  const query = new URLSearchParams({ bundle, title: title.trim() });
  if (columns.table) query.set("labels", columns.table);
  if (columns.labels.length > 0) query.set("label_column", columns.labels.join(","));
  if (columns.patient) query.set("patient_column", columns.patient);
  return query;
}
