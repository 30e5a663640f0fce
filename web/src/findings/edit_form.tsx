/** Changing a finding, or adding one: its label, its box, its mask. */

import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { draft, forget } from "~/core/drafts";
import { showImage } from "~/viewer/stage";
import { type Assessment, bestImage, type Finding, findingKey } from "./diagnosis";
import { DrawTools } from "./draw_tools";
import { LabelField } from "./label_field";
import { layerOf } from "./layers";
import { type Drawn, namedImage, slicesOf } from "./painting";
import type { Reading } from "./reading";
import { draftKeyOf } from "./say";
import { t } from "./texts";
import { ADDED, judge } from "./verdicts";

interface Props {
  readonly reading: Reading;
  readonly assessment: Assessment;
  readonly at: number;
  /** Null for one that was missed. */
  readonly finding: Finding | null;
  /** Labels that the bundle knows. */
  readonly labels: readonly string[];
  readonly onClose: () => void;
}

/** The form; the box and the mask are drawn on the image meanwhile. */
export function EditForm({ reading, assessment, at, finding, labels, onClose }: Props) {
  const { stage } = reading;
  const isNew = finding === null;
  const key = finding ? findingKey(at, finding.id) : `${at}/${ADDED}draft`;
  const draftKey = draftKeyOf(reading, "label", key);
  const label = draft(draftKey, finding?.label ?? "");
  const problem = useSignal("");
  const ids = { heading: useId() };
  useEffect(() => {
    const image = finding && bestImage(assessment, finding);
    if (image) showImage(stage, image);
    return () => {
      stage.editing.value = null;
      const { [`mask/${key}`]: _, ...others } = Object.fromEntries(stage.painted.value);
      stage.painted.value = new Map(Object.entries(others));
    };
  }, []);
  // A box that was drawn outlives a reload like the words beside it.
  const boxKey = draftKeyOf(reading, "box", key);
  const box = draft<Drawn | null>(boxKey, null);
  useEffect(() =>
    stage.editing.subscribe((now) => {
      if (now?.kind === "box" && now.id === layerOf(key) && now.box) {
        box.value = { image: now.image, box: now.box };
      }
    }),
  );

  const save = async () => {
    const said = await correction();
    if (typeof said === "string") {
      problem.value = said;
      return;
    }
    reading.say(said.body, said.painted);
    close();
  };

  /** What was typed and drawn was said, or is not wanted. */
  const close = () => {
    forget(draftKey);
    forget(boxKey);
    onClose();
  };

  const correction = async () => {
    const painted = await slicesOf(
      assessment,
      stage.painted.value.get(`mask/${key}`),
      stage.shown.value,
    );
    const drawn = box.value;
    const image = drawn && namedImage(assessment, drawn.image);
    if (drawn && !image) return t("otherImage");
    const text = label.value.trim();
    const isChanged = text !== (finding?.label ?? "");
    if (isNew && !text) return t("needsLabel");
    if (isNew && !drawn && painted.length === 0) return t("needsPlace");
    if (!(isChanged && text) && !drawn && painted.length === 0)
      return t("nothingChanged");
    const [left, top, right, bottom] = drawn?.box ?? [0, 0, 0, 0];
    const body = judge(at, finding?.id ?? "", isNew ? "add" : "correct", {
      label: isNew || isChanged ? text : "",
      box: drawn ? { left, top, right, bottom } : null,
      image: image ?? null,
    });
    return { body, painted };
  };

  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <form
      ref={form}
      class="findings-form"
      aria-labelledby={ids.heading}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <h4 id={ids.heading}>{isNew ? t("addTitle") : t("edit")}</h4>
      <LabelField
        value={label}
        labels={labels}
        nameOf={(each) => reading.result.value?.names[each]}
      />
      <DrawTools
        reading={reading}
        assessment={assessment}
        findingKey={key}
        finding={finding}
        drawn={box.value}
      />
      {problem.value && (
        <p class="findings-problem" role="alert">
          {problem.value}
        </p>
      )}
      <div class="findings-form-actions">
        <button type="submit" class="button button-small button-main">
          {t("save")}
        </button>
        <button type="button" class="button button-small" onClick={close}>
          {t("cancel")}
        </button>
      </div>
    </form>
  );
}
