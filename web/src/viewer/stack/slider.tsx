/** The slider of a stack, with what is loaded marked along it. */

import { useEffect, useRef } from "preact/hooks";
import { t } from "../texts";
import type { Desk } from "./desk";
import { goTo, type Pane } from "./pane_state";

/** A native range input; beside it one line for each image that is loaded. */
export function StackSlider({ desk, pane }: { desk: Desk; pane: Pane }) {
  const images = pane.images.value;
  if (images.length < 2) {
    // The image must not jump when the list of a long series comes.
    const isLong = (pane.series.value?.instance_count ?? 0) > 1;
    return isLong ? <div class="viewer-slider" /> : null;
  }
  const index = pane.index.value;
  return (
    <div class="viewer-slider">
      <LoadedMarks desk={desk} pane={pane} />
      <input
        type="range"
        min={1}
        max={images.length}
        step={1}
        value={index + 1}
        aria-label={t("slice")}
        aria-valuetext={t("sliceOf", { n: index + 1, m: images.length })}
        onInput={(event) => goTo(pane, event.currentTarget.valueAsNumber - 1)}
      />
    </div>
  );
}

const MARKS = 512;

function LoadedMarks({ desk, pane }: { desk: Desk; pane: Pane }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const images = pane.images.value;
  const isLoaded = images.map((image) => desk.library.has(image));
  const loaded = isLoaded.filter(Boolean).length;
  useEffect(() => {
    const on = canvas.current;
    const context = on?.getContext("2d");
    if (!on || !context) return;
    const [off, lit] = ["--viewer-mark-off", "--viewer-mark"].map((name) =>
      getComputedStyle(on).getPropertyValue(name),
    );
    for (let mark = 0; mark < MARKS; mark += 1) {
      const at = Math.floor((mark * images.length) / MARKS);
      context.fillStyle = (isLoaded[at] ? lit : off) ?? "";
      context.fillRect(0, mark, 1, 1);
    }
  }, [images, loaded, desk.library.changes.value]);
  return (
    <canvas
      ref={canvas}
      class="viewer-marks"
      width={1}
      height={MARKS}
      role="img"
      aria-label={t("loadedShare", { n: loaded, m: images.length })}
    />
  );
}
