/** How far packing and sending are, with a way to cancel. */

import { bytes } from "~/core/text/format";
import type { Progress } from "./packed";
import { te } from "./texts_evaluate";

/** A bar with its words. */
export function ProgressBar({
  progress,
  onCancel,
}: {
  progress: Progress;
  onCancel: () => void;
}) {
  const { step, done, all } = progress;
  const said =
    step === "taking" ? te("taking") : te(step, { done: bytes(done), all: bytes(all) });
  return (
    <div class="models-progress">
      <span role="status">{said}</span>
      <progress
        aria-label={said}
        {...(step === "taking" ? {} : { max: Math.max(1, all), value: done })}
      />
      <button type="button" class="button" onClick={onCancel}>
        {te("cancel")}
      </button>
    </div>
  );
}
