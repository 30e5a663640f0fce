/** How far packing and sending are, with a way to cancel. */

import { useEffect, useRef } from "preact/hooks";
import { bytes } from "~/core/text/format";
import type { Progress } from "./packed";
import { te } from "./texts_evaluate";

/** A bar with its words; no live text, which would be read out at every step. */
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
      <span>{said}</span>
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

/**
 * Whether the part of the page that began a sending is still there: who has gone to
 * another page meanwhile is not fetched from it.
 */
export function useIsHere(): { readonly current: boolean } {
  const isHere = useRef(true);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);
  return isHere;
}
