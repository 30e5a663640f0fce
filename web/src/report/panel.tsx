/** The report panel: written, signed, read, amended. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { register } from "~/core/keys/commands";
import { may } from "~/core/session";
import { moment } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Failure, Loading } from "~/shell/loaded";
import { toastDone, toastFailed } from "~/shell/toast";
import { basisOf, cautionOf, type GivenResult } from "./basis";
import { commandsOf } from "./commands";
import type { Content } from "./content";
import { Editor } from "./editor";
import type { Insertable } from "./insert_menu";
import { Paper, type Sheet } from "./paper";
import { SaveLine } from "./save_line";
import { SignDialog } from "./sign_dialog";
import { t } from "./texts";
import { VersionView } from "./version_view";
import { Versions } from "./versions";
import type { Writing } from "./writing";
import "./report.css";

interface Props {
  readonly writing: Writing;
  readonly sheet: Sheet;
  readonly insertables: readonly Insertable[];
  /** Findings of which nobody spoke yet. */
  readonly unjudged: number;
  /** Of the study, the newest first. */
  readonly results: readonly GivenResult[];
  /** Whether the panel is the one that is seen. */
  readonly isSeen: () => boolean;
  /** Show it. */
  readonly onSee: () => void;
  readonly onSigned: () => void;
  /** Go to the next unread study. */
  readonly onNext: () => void;
}

/** Everything about the report of the study that is open. */
export function ReportPanel(props: Props) {
  const { writing, sheet } = props;
  useEffect(() => {
    const page = { isSeen: props.isSeen, see: props.onSee, next: props.onNext };
    return register(commandsOf(writing, page));
  }, [writing]);
  if (writing.error.value !== null) {
    return <Failure error={writing.error.value} onRetry={() => void writing.load()} />;
  }
  if (!writing.isLoaded.value) return <Loading />;
  const version = writing.shown.value;
  const content = version?.content ?? writing.save.kept.value.content;
  return (
    <div class="report">
      {version ? <Read {...props} /> : may("read") ? <Write {...props} /> : <Nothing />}
      <Versions writing={writing} />
      <Paper sheet={sheet} content={content} version={version} results={props.results} />
      {writing.isSigning.value && (
        <SignDialog
          writing={writing}
          unjudged={props.unjudged}
          results={props.results}
          onSigned={() => {
            toastDone(t("signedToast"));
            props.onSigned();
          }}
        />
      )}
    </div>
  );
}

/** That the newest result is not in the text, and what to do about it. */
function Caution({
  writing,
  results,
  onRedraft,
}: Pick<Props, "writing" | "results"> & { onRedraft: () => void }) {
  const basis = basisOf(writing.save.kept.value.content.result_id, results);
  const caution = cautionOf(basis);
  if (!caution) {
    const from = basis.kind === "current" ? basis.from : null;
    if (!from) return null;
    const time = moment(from.created_at);
    return <p class="report-from faint">{t("draftedFrom", { id: from.id, time })}</p>;
  }
  return (
    <p class="report-hint" role="status">
      <Icon name="alert" /> {caution}{" "}
      <button
        type="button"
        class="button button-small"
        title={t("draftAgainHint")}
        onClick={onRedraft}
      >
        {t("draftAgain")}
      </button>
    </p>
  );
}

function Nothing() {
  return <p class="empty">{t("readOnly")}</p>;
}

function Read({ writing, results, onNext }: Props) {
  const next = useRef<HTMLButtonElement>(null);
  const version = writing.shown.value;
  const isDone = version?.is_signed === true;
  const isOver = isDone && !writing.isSigning.value;
  // The dialog gives the focus back to where it was, which is gone: Enter goes on.
  useEffect(() => {
    if (!isOver || !writing.isFresh.peek()) return;
    writing.isFresh.value = false;
    requestAnimationFrame(() => next.current?.focus());
  }, [isOver]);
  if (!version) return null;
  return (
    <>
      {isDone && (
        <button ref={next} type="button" class="button button-main" onClick={onNext}>
          {t("next")} <Icon name="chevron" />
        </button>
      )}
      <VersionView writing={writing} version={version} results={results} />
    </>
  );
}

function Write({ writing, insertables, results }: Props) {
  const signed = writing.versions.value.find((each) => each.is_signed);
  const before = useSignal<Content | null>(null);
  const redraft = async () => {
    try {
      before.value = await writing.redraft();
      toastDone(t("redrafted"), t("draftAgainHint"));
    } catch (error) {
      toastFailed(error);
    }
  };
  const keep = async () => {
    try {
      const version = await writing.keep({ sign: false, reason: "" });
      toastDone(t("versionSaved", { version }));
    } catch (error) {
      toastFailed(error);
    }
  };
  return (
    <>
      {signed && (
        <p class="report-hint">
          <Icon name="edit" /> {t("amending", { version: signed.version })}{" "}
          <button
            type="button"
            class="button button-small"
            onClick={() =>
              writing
                .drop()
                .then(() => toastDone(t("amendDropped")))
                .catch(toastFailed)
            }
          >
            {t("amendCancel")}
          </button>
        </p>
      )}
      <Caution writing={writing} results={results} onRedraft={() => void redraft()} />
      <Editor writing={writing} insertables={insertables} />
      <div class="report-actions report-foot">
        <SaveLine save={writing.save} />
        <button
          type="button"
          class="button button-main"
          onClick={() => {
            writing.isSigning.value = true;
          }}
        >
          <Icon name="check" /> {t("sign")} <kbd>Ctrl ↵</kbd>
        </button>
        {!signed && (
          <button type="button" class="button" onClick={() => void keep()}>
            {t("saveVersion")}
          </button>
        )}
        <button
          type="button"
          class="button button-small"
          title={t("draftAgainHint")}
          onClick={() => void redraft()}
        >
          {t("draftAgain")}
        </button>
        {before.value && (
          <button
            type="button"
            class="button button-small"
            onClick={() => {
              if (before.value) writing.save.change(before.value);
              before.value = null;
            }}
          >
            {t("undo")}
          </button>
        )}
      </div>
    </>
  );
}
