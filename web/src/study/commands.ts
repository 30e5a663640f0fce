/** The keys of the reading page. */

import type { Command } from "~/core/keys/commands";
import { togglePanel } from "./head";
import { type Opened, type TabKey, turnTo } from "./opened";
import { t } from "./texts";

/** Going between the panels, and putting them away. */
export function commandsOf(opened: Opened): readonly Command[] {
  const open = (tab: TabKey, key: string, text: () => string): Command => ({
    id: `study.open-${tab}`,
    place: "findings",
    keys: [key],
    text,
    inText: true,
    run: () => {
      turnTo(opened, tab);
      // The panel is seen with the next paint; then the keys are its own.
      requestAnimationFrame(() => document.getElementById(`tab-${tab}`)?.click());
      requestAnimationFrame(() => focusIn(tab));
    },
  });
  return [
    open("findings", "Alt+f", () => t("openFindings")),
    open("report", "Alt+r", () => t("openReport")),
    open("study", "Alt+s", () => t("openStudy")),
    {
      id: "study.panel",
      place: "findings",
      keys: ["Alt+p"],
      text: () => t("togglePanel"),
      inText: true,
      run: togglePanel,
    },
  ];
}

const LONGEST_WAIT_MS = 20_000;

/**
 * The report's findings are what one wants to write in; else the panel itself. A report
 * that is still on its way takes the focus when it is there, unless a reader went on.
 */
function focusIn(tab: TabKey): void {
  const panel = document.getElementById(`panel-${tab}`);
  if (!panel) return;
  const field = () => panel.querySelectorAll<HTMLElement>(".report-field textarea")[2];
  (field() ?? panel).focus();
  if (tab !== "report" || field()) return;
  const watch = new MutationObserver(() => {
    const late = field();
    if (!late) return;
    watch.disconnect();
    if (document.activeElement === panel) late.focus();
  });
  watch.observe(panel, { childList: true, subtree: true });
  setTimeout(() => watch.disconnect(), LONGEST_WAIT_MS);
}
