/** The bar of an edit: brush, eraser, fill, size; undo and redo; what to do. */

import type { Desk } from "~/viewer/stack/desk";
import { CommandButton } from "~/viewer/tools/toolbar";
import { boxOn, changeBrush, editorOf, LEAST_RADIUS, MOST_RADIUS } from "./editor";
import { picturesOn } from "./seen";
import { t } from "./texts";

/** There for as long as something is edited. */
export function EditBar({ desk }: { desk: Desk }) {
  const editor = editorOf(desk);
  const editing = desk.stage.editing.value;
  if (!editing) return null;
  return (
    <fieldset class="viewer-edit">
      <legend class="unseen">{t("painting")}</legend>
      {editing.kind === "brush" && <BrushFields desk={desk} />}
      <CommandButton
        id="tools.edit-undo"
        icon="undo"
        isDisabled={!editor.history.canUndo.value}
      />
      <CommandButton
        id="tools.edit-redo"
        icon="redo"
        isDisabled={!editor.history.canRedo.value}
      />
    </fieldset>
  );
}

/** What to do, on the image of the active pane. */
export function EditHint({ desk }: { desk: Desk }) {
  const said = hintOf(desk);
  return said ? (
    <p class="viewer-hint" role="status">
      {said}
    </p>
  ) : null;
}

function hintOf(desk: Desk): string {
  const editing = desk.stage.editing.value;
  if (!editing) return "";
  if (editing.kind === "brush") {
    const under = picturesOn(desk.stage, desk.activePane.value);
    const isMissing = under.some(
      ({ layer, state }) =>
        layer.id === editing.id && (state === "loading" || state === "failed"),
    );
    return t(isMissing ? "notLoaded" : "paintHint");
  }
  const box = boxOn(editorOf(desk), desk.activePane.value);
  if (!box) return t("otherImage");
  return box.box ? t("moveBox") : t("drawBox");
}

function BrushFields({ desk }: { desk: Desk }) {
  const editor = editorOf(desk);
  const editing = desk.stage.editing.value;
  if (editing?.kind !== "brush") return null;
  const isFilling = editor.isFilling.value;
  const { isErasing, radius } = editing;
  return (
    <>
      <CommandButton
        id="tools.edit-brush"
        icon="brush"
        isPressed={!isErasing && !isFilling}
      />
      <CommandButton
        id="tools.edit-eraser"
        icon="eraser"
        isPressed={isErasing && !isFilling}
      />
      <CommandButton id="tools.edit-fill" icon="fill" isPressed={isFilling} />
      <label class="viewer-window-field">
        <span>{t("brushSize")}</span>
        <input
          type="range"
          min={LEAST_RADIUS}
          max={Math.min(MOST_RADIUS, 60)}
          step={0.5}
          value={radius}
          aria-valuetext={t("radius", { n: radius })}
          onInput={(event) =>
            changeBrush(editor, { radius: event.currentTarget.valueAsNumber })
          }
        />
        <span class="figures">{t("radius", { n: radius })}</span>
      </label>
    </>
  );
}
