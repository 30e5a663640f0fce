/** Which finding's form is open, and the form. */

import { signal } from "@preact/signals";
import { CommentForm } from "./comment_form";
import { type Assessment, type Finding, findingKey } from "./diagnosis";
import { EditForm } from "./edit_form";
import { labelsOf } from "./labels";
import type { Reading } from "./reading";
import { draftKeyOf, sayOf } from "./say";

/** An open form; one at a time, as there is one image to draw on. */
export interface Form {
  readonly study: number;
  /** Of the finding, or "0/+" to add one to assessment 0. */
  readonly key: string;
  readonly kind: "edit" | "comment";
}

const open = signal<Form | null>(null);

/** Open a finding's form; asked again it is closed. */
export function openForm(reading: Reading, key: string, kind: Form["kind"]): void {
  const now = open.peek();
  const isSame = now?.key === key && now.kind === kind && now.study === reading.study;
  open.value = isSame ? null : { study: reading.study, key, kind };
  if (!isSame && reading.selected.peek() !== key && !key.endsWith("/+")) {
    reading.select(key);
  }
}

/** Close whatever is open. */
export function closeForm(): void {
  open.value = null;
}

interface Props {
  readonly reading: Reading;
  readonly assessment: Assessment;
  readonly at: number;
  readonly finding: Finding | null;
  readonly name: string;
}

/** The form of a finding where it is open; of null the one that adds a finding. */
export function FindingForms({ reading, assessment, at, finding, name }: Props) {
  const key = finding ? findingKey(at, finding.id) : `${at}/+`;
  const now = open.value;
  if (now?.key !== key || now.study !== reading.study) return null;
  if (now.kind === "comment") {
    return (
      <CommentForm
        draftKey={draftKeyOf(reading, "comment", key)}
        name={name}
        onSay={(verdict, comment) => {
          sayOf(reading, key, verdict, comment);
          closeForm();
        }}
        onClose={closeForm}
      />
    );
  }
  return (
    <EditForm
      key={draftKeyOf(reading, "label", key)}
      reading={reading}
      assessment={assessment}
      at={at}
      finding={finding}
      labels={labelsOf(assessment)}
      onClose={closeForm}
    />
  );
}
