/** A comment on a finding, for colleagues; what is typed survives a reload. */

import { useEffect, useId, useRef } from "preact/hooks";
import { draft, forget } from "~/core/drafts";
import { t } from "./texts";
import type { Verdict } from "./verdicts";

interface Props {
  /** Of the draft. */
  readonly draftKey: string;
  readonly name: string;
  readonly onSay: (verdict: Verdict, comment: string) => void;
  readonly onClose: () => void;
}

const LONGEST = 2_000; // as the service takes it

/** A comment goes with a verdict: a word without one would count for nothing. */
export function CommentForm({ draftKey, name, onSay, onClose }: Props) {
  const text = draft(draftKey, "");
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => {
    field.current?.focus();
    field.current?.form?.scrollIntoView({ block: "nearest" });
  }, []);
  const say = (verdict: Verdict) => {
    onSay(verdict, text.value.trim());
    text.value = "";
    forget(draftKey);
  };
  return (
    <form
      class="findings-form"
      onSubmit={(event) => {
        event.preventDefault();
        say("accept");
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          event.stopPropagation();
          say("accept");
        }
      }}
    >
      <div class="field">
        <label for={id}>{t("commentFor", { finding: name })}</label>
        <textarea
          id={id}
          ref={field}
          rows={3}
          maxLength={LONGEST}
          value={text.value}
          aria-describedby={`${id}-hint`}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <span id={`${id}-hint`}>{t("commentHint")}</span>
      </div>
      <div class="findings-form-actions">
        <button type="submit" class="button button-small">
          {t("commentAccept")}
        </button>
        <button type="button" class="button button-small" onClick={() => say("reject")}>
          {t("commentReject")}
        </button>
        <button type="button" class="button button-small" onClick={onClose}>
          {t("cancel")}
        </button>
      </div>
    </form>
  );
}
