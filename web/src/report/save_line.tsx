/** Whether what is typed is safe, in one line. */

import { Icon } from "~/shell/icon";
import type { Autosave } from "./autosave";
import { clock } from "./clock";
import { t } from "./texts";

/** "Saved 14:05:12", or why it is not. */
export function SaveLine({ save }: { save: Autosave }) {
  const state = save.state.value;
  if (state === "conflict") return null;
  const isBad = state === "lost" || state === "refused";
  return (
    <p class={`report-saved ${isBad ? "is-bad" : ""}`} role={isBad ? "alert" : undefined}>
      {isBad && <Icon name="alert" />}
      {state === "saved" && <Icon name="check" />}
      {t(state, { time: clock(save.savedAt.value), problem: save.problem.value })}
    </p>
  );
}
