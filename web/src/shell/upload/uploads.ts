/** The upload of this page: one for all places from which files come. */

import { effect } from "@preact/signals";
import { announce } from "~/core/announce";
import { hold } from "~/core/session";
import { number } from "~/core/text/format";
import {
  chosenFiles,
  droppedFiles,
  type Gathered,
  MOST_FILES,
} from "~/core/upload/files";
import { postFiles } from "~/core/upload/post";
import { type Item, UploadQueue } from "~/core/upload/queue";
import { toastFailed } from "~/shell/toast";
import { t } from "./texts";

export const uploads = new UploadQueue(postFiles);

/** How many files there are, and what became of them. */
export interface Tally {
  readonly all: number;
  readonly done: number;
  readonly bytes: number;
  readonly bytesDone: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly refused: number;
}

/** The tally of an upload. */
export function tallyOf(items: readonly Item[]): Tally {
  const count = (kind: string) =>
    items.filter(({ outcome }) => outcome?.kind === kind).length;
  return {
    all: items.length,
    done: items.filter(({ state }) => state === "done").length,
    bytes: items.reduce((sum, { size }) => sum + size, 0),
    bytesDone: items.reduce((sum, { size, share }) => sum + size * share, 0),
    stored: count("stored"),
    duplicate: count("duplicate"),
    refused: count("refused") + count("unreadable"),
  };
}

/** Send what was dropped. */
export async function addDropped(transfer: DataTransfer): Promise<void> {
  try {
    add(await droppedFiles(transfer));
  } catch (error) {
    toastFailed(error);
  }
}

/** Send what was chosen in an input, which can then take the same files again. */
export function addChosen(input: HTMLInputElement): void {
  if (input.files) add(chosenFiles(input.files));
  input.value = "";
}

function add({ found, lost, isCut }: Gathered): void {
  if (found.length + lost.length > 0) uploads.add(found, lost);
  else toastFailed(new Error(t("nothing")));
  if (isCut) toastFailed(new Error(t("tooMany", { most: number(MOST_FILES) })));
}

let letGo: (() => void) | null = null;
effect(() => {
  const isBusy = uploads.isBusy.value;
  if (isBusy) letGo ??= hold();
  else if (letGo) {
    letGo();
    letGo = null;
    announce(tallyText(tallyOf(uploads.items.peek())));
  }
});

/** "40 files sent: 38 stored, 2 not taken". */
export function tallyText(tally: Tally): string {
  const counts = [
    tally.stored > 0 && t("storedCount", { count: tally.stored }),
    tally.duplicate > 0 && t("duplicateCount", { count: tally.duplicate }),
    tally.refused > 0 && t("refusedCount", { count: tally.refused }),
  ].filter(Boolean);
  const done = tally.all === 1 ? t("oneDone") : t("done", { all: tally.all });
  return counts.length > 0 ? `${done}: ${counts.join(", ")}` : done;
}
