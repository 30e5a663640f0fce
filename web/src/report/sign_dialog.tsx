/** Signing: what it means, stands before the button. */

import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { ProblemError } from "~/core/api/problem";
import { register } from "~/core/keys/commands";
import { me } from "~/core/session";
import { Dialog } from "~/shell/dialog";
import { Icon } from "~/shell/icon";
import { explain } from "~/shell/toast";
import { basisOf, cautionOf, type GivenResult } from "./basis";
import { saysNothing } from "./content";
import { t } from "./texts";
import type { Writing } from "./writing";

interface Props {
  readonly writing: Writing;
  /** Findings of which nobody spoke yet. */
  readonly unjudged: number;
  /** Of the study, the newest first. */
  readonly results: readonly GivenResult[];
  readonly onSigned: () => void;
}

const LONGEST_REASON = 500; // as the service takes it

/** Ctrl+Enter or Enter on the button signs, Escape goes back. */
export function SignDialog({ writing, unjudged, results, onSigned }: Props) {
  const reason = useSignal("");
  const problem = useSignal("");
  const isBusy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  const { save } = writing;
  const [newest] = writing.versions.value;
  const isTorn = save.state.value === "conflict" && save.theirs.value !== null;
  const isBlank = saysNothing(save.kept.value.content);
  const caution = cautionOf(basisOf(save.kept.value.content.result_id, results));
  const isAmendment = writing.versions.value.some((each) => each.is_signed);
  const close = () => {
    writing.isSigning.value = false;
  };
  useEffect(() => {
    // After the dialog has opened, which puts the focus on its first button.
    (field.current ?? button.current)?.focus();
  }, []);
  const sign = async () => {
    if (isBusy.value || isTorn || isBlank) return;
    if (isAmendment && reason.value.trim() === "") {
      problem.value = t("reasonWanted");
      field.current?.focus();
      return;
    }
    isBusy.value = true;
    try {
      await writing.keep({ sign: true, reason: reason.value.trim() });
      close();
      onSigned();
    } catch (error) {
      // Two drafts are told beside each other.
      problem.value = save.state.peek() === "conflict" ? "" : whyNot(error);
    } finally {
      isBusy.value = false;
    }
  };
  useEffect(
    () =>
      register([
        {
          id: "report.sign-now",
          place: "report",
          keys: ["Ctrl+Enter"],
          text: () => t("signNow"),
          inText: true,
          inDialog: true,
          run: () => void sign(),
        },
      ]),
    [writing, isTorn, isBlank, isAmendment],
  );
  return (
    <Dialog
      title={t("signTitle")}
      onClose={close}
      actions={
        <button
          ref={button}
          type="button"
          class="button button-main"
          disabled={isBusy.value || isTorn || isBlank}
          onClick={() => void sign()}
        >
          {t(isBusy.value ? "signing" : "signNow")}
        </button>
      }
    >
      <form
        class="report-sign"
        onSubmit={(event) => {
          event.preventDefault();
          void sign();
        }}
      >
        <p>{t("signMeans")}</p>
        <p>
          {t("signFixed", {
            version: (newest?.version ?? 0) + 1,
            name: me.value?.name ?? "",
          })}
        </p>
        {caution && (
          <p class="report-hint">
            <Icon name="alert" /> {caution}
          </p>
        )}
        {unjudged > 0 && (
          <p class="report-hint">
            <Icon name="alert" />{" "}
            {unjudged === 1
              ? t("signUnjudgedOne")
              : t("signUnjudged", { count: unjudged })}
          </p>
        )}
        {isTorn && (
          <p class="report-problem" role="alert">
            {t("signTorn")}
          </p>
        )}
        {isBlank && (
          <p class="report-problem" role="alert">
            {t("signEmpty")}
          </p>
        )}
        {isAmendment && (
          <div class="field">
            <label for={id}>{t("reason")}</label>
            <input
              id={id}
              ref={field}
              required
              maxLength={LONGEST_REASON}
              value={reason.value}
              onInput={(event) => {
                reason.value = event.currentTarget.value;
              }}
            />
          </div>
        )}
        {problem.value && (
          <p class="report-problem" role="alert">
            {problem.value}
          </p>
        )}
      </form>
    </Dialog>
  );
}

/** A version that came meanwhile is told in the reader's words, not in the service's. */
function whyNot(error: unknown): string {
  const isNewer = error instanceof ProblemError && error.kind === "report-changed";
  return isNewer ? t("changedMeanwhile") : explain(error);
}
