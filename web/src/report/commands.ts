/** The keys of the report. */

import type { Command } from "~/core/keys/commands";
import { may } from "~/core/session";
import { t } from "./texts";
import type { Writing } from "./writing";

interface Page {
  /** Whether the report is what is seen. */
  readonly isSeen: () => boolean;
  readonly see: () => void;
  readonly next: () => void;
}

/** Nobody signs what they do not see: the first press shows it, the second asks. */
export function commandsOf(writing: Writing, page: Page): readonly Command[] {
  return [
    {
      id: "report.sign",
      place: "report",
      keys: ["Ctrl+Enter"],
      text: () => t("sign"),
      inText: true,
      when: () => may("read") && writing.isLoaded.value && writing.shown.value === null,
      run: () => {
        if (page.isSeen()) writing.isSigning.value = true;
        else page.see();
      },
    },
    {
      id: "report.next-study",
      place: "report",
      keys: ["Shift+n"],
      text: () => t("next"),
      run: page.next,
    },
  ];
}
