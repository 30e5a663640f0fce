/** Buttons that let a reader draw on the image: a box, or a mask with a brush. */

import { number } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { type Editing, type ImageAddress, imageKey } from "~/viewer/stage";
import { type Assessment, addressOf, type Finding } from "./diagnosis";
import { layerOf } from "./layers";
import { type Drawn, paintedCount } from "./painting";
import type { Reading } from "./reading";
import { t } from "./texts";

interface Props {
  readonly reading: Reading;
  readonly assessment: Assessment;
  readonly findingKey: string;
  readonly finding: Finding | null;
  readonly drawn: Drawn | null;
}

const SMALLEST = 1;
const LARGEST = 60;
const FIRST = 6; // pixels

/** What is drawn goes through the stage; the viewer does the drawing. */
export function DrawTools({ reading, assessment, findingKey, finding, drawn }: Props) {
  const { stage } = reading;
  const editing = stage.editing.value;
  const boxId = layerOf(findingKey);
  const maskId = `mask/${findingKey}`;
  const isBox = editing?.kind === "box" && editing.id === boxId;
  const brush = editing?.kind === "brush" && editing.id === maskId ? editing : null;
  const shown = stage.shown.value?.image ?? null;
  const isOurs = shown !== null && isOf(assessment, shown);
  const count = paintedCount(stage.painted.value.get(maskId));

  const edit = (next: Editing | null) => {
    stage.editing.value = next;
  };
  const startBox = () => {
    if (isBox || !shown) return edit(null);
    edit({
      kind: "box",
      id: boxId,
      image: shown,
      box: boxOn(stage, boxId, shown, drawn),
    });
  };
  const startBrush = () =>
    edit(brush ? null : { kind: "brush", id: maskId, radius: FIRST, isErasing: false });

  return (
    <div class="findings-draw">
      <div class="findings-draw-row">
        <button
          type="button"
          class="button button-small"
          aria-pressed={isBox}
          disabled={!isOurs}
          onClick={startBox}
        >
          <Icon name="edit" /> {t("drawBox")}
        </button>
        <button
          type="button"
          class="button button-small"
          aria-pressed={brush !== null}
          disabled={!isOurs}
          onClick={startBrush}
        >
          {t("brush")}
        </button>
      </div>
      {shown && !isOurs && <p class="findings-problem">{t("otherImage")}</p>}
      {isBox && <p class="faint">{t("boxHint")}</p>}
      {(isBox || drawn) && <p class="faint figures">{boxText(drawn)}</p>}
      {brush && (
        <div class="findings-draw-row">
          <label class="findings-opacity">
            <span>{t("radius", { pixels: brush.radius })}</span>
            <input
              type="range"
              min={SMALLEST}
              max={LARGEST}
              value={brush.radius}
              onInput={(event) =>
                edit({ ...brush, radius: Number(event.currentTarget.value) })
              }
            />
          </label>
          <button
            type="button"
            class="button button-small"
            aria-pressed={brush.isErasing}
            onClick={() => edit({ ...brush, isErasing: !brush.isErasing })}
          >
            {t("eraser")}
          </button>
        </div>
      )}
      {(brush || count > 0) && <p class="faint">{t("painted", { count })}</p>}
      {finding === null && !isBox && !brush && !drawn && count === 0 && (
        <p class="faint">{t("needsPlace")}</p>
      )}
    </div>
  );
}

function boxText(drawn: Drawn | null): string {
  if (!drawn) return t("noBox");
  const [left, top, right, bottom] = drawn.box.map((edge) => number(edge));
  return t("boxAt", {
    left: left ?? "",
    top: top ?? "",
    right: right ?? "",
    bottom: bottom ?? "",
  });
}

function isOf(assessment: Assessment, image: ImageAddress): boolean {
  return assessment.images.some((each) => {
    const address = addressOf(each);
    return address !== null && imageKey(address) === imageKey(image);
  });
}

/** The box that lies on an image already, to be moved; none to draw a new one. */
function boxOn(
  stage: Reading["stage"],
  id: string,
  image: ImageAddress,
  drawn: Drawn | null,
) {
  if (drawn && imageKey(drawn.image) === imageKey(image)) return drawn.box;
  const layer = stage.layers.peek().find((each) => each.id === id);
  if (layer?.kind !== "box" || imageKey(layer.image) !== imageKey(image)) return null;
  return layer.box;
}
