/** Buttons that play a stack. */

import { run } from "~/core/keys/commands";
import type { Desk } from "../stack/desk";
import { t } from "../texts";
import { type Cine, RATES, rateOf } from "./cine";

/** Play or pause, and how fast; nothing for a single image. */
export function CineBar({ desk, cine }: { desk: Desk; cine: Cine }) {
  const pane = desk.activePane.value;
  if (pane.images.value.length < 2) return null;
  const isPlaying = cine.isPlaying.value;
  const rate = rateOf(cine, pane);
  const rates = [...new Set<number>([...RATES, rate])].sort((a, b) => a - b);
  return (
    <div class="viewer-cine">
      <button
        type="button"
        class="icon-button"
        aria-pressed={isPlaying}
        aria-label={t(isPlaying ? "pause" : "play")}
        onClick={() => run("viewer.play")}
      >
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
          <path d={isPlaying ? "M8 5v14M16 5v14" : "M7 4v16l13-8L7 4Z"} />
        </svg>
      </button>
      <select
        class="viewer-rate"
        aria-label={t("perSecond", { n: rate })}
        value={String(rate)}
        onChange={(event) => {
          cine.rate.value = Number(event.currentTarget.value);
        }}
      >
        {rates.map((each) => (
          <option key={each} value={String(each)}>
            {each}/s
          </option>
        ))}
      </select>
    </div>
  );
}
