/** Packing and sending with one progress, and what went wrong in words. */

import type { Signal } from "@preact/signals";
import { type Sent, transfer } from "~/core/api/transfer";
import { hold } from "~/core/session";
import { archiveOf } from "./gather";
import { te } from "./texts_evaluate";
import { type Member, PackError, zip } from "./zip";

/** How far it is. */
export interface Progress {
  readonly step: "packing" | "sending" | "taking";
  readonly done: number;
  readonly all: number;
}

/** Pack what is no archive yet, and send it. */
export async function packAndSend<T>(
  members: readonly Member[],
  to: string,
  progress: Signal<Progress | null>,
  abort: AbortSignal,
): Promise<Sent<T>> {
  const letGo = hold();
  try {
    const archive = archiveOf(members) ?? (await pack(members, progress, abort));
    const all = archive.size;
    progress.value = { step: "sending", done: 0, all };
    const onSent = (done: number) => {
      progress.value = { step: done < all ? "sending" : "taking", done, all };
    };
    const type = "application/zip";
    return await transfer<T>({ to, body: archive, type, onSent, abort });
  } finally {
    letGo();
    progress.value = null;
  }
}

async function pack(
  members: readonly Member[],
  progress: Signal<Progress | null>,
  abort: AbortSignal,
): Promise<Blob> {
  const all = members.reduce((sum, { file }) => sum + file.size, 0);
  const tell = (done: number) => {
    progress.value = { step: "packing", done, all };
  };
  tell(0);
  try {
    return await zip(members, tell, abort);
  } catch (error) {
    throw error instanceof PackError ? new Error(WORDS[error.why]()) : error;
  }
}

const WORDS = {
  large: () => te("tooLarge"),
  many: () => te("tooMany"),
  names: () => te("twoNames"),
} as const;
