/** One word to the service; a painted mask is stored first, as a segmentation. */

import { api, ask, ok } from "~/core/api/client";
import type { Judgement, Word } from "./verdicts";

/** A slice that a reader painted, as the service takes it. */
export interface PaintedSlice {
  /** Among the assessment's images, from 0. */
  readonly slice: number;
  /** PNG in base 64, above 0 inside. */
  readonly png: string;
}

/** What is sent of a word: the judgement, and a mask that is stored before it. */
export interface Saying {
  readonly result: number;
  readonly body: Judgement;
  readonly painted: readonly PaintedSlice[];
}

/**
 * Send a word; tried again under the same key it is said once.
 *
 * @throws ProblemError, OfflineError.
 */
export async function send(
  key: string,
  { result, body, painted }: Saying,
): Promise<Word> {
  const mask = painted.length > 0 ? await storeMask(key, { result, body, painted }) : "";
  return ok(
    api.POST("/api/v1/results/{result}/feedback", {
      params: { path: { result }, header: { "Idempotency-Key": key } },
      body: mask ? { ...body, mask } : body,
    }),
  );
}

/** SOP Instance UID of the segmentation that was made of what was painted. */
async function storeMask(
  key: string,
  { result, body, painted }: Saying,
): Promise<string> {
  const reply = await ask(`/api/v1/results/${result}/masks`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": `${key}-mask` },
    body: JSON.stringify({
      assessment: body.assessment,
      finding: body.finding,
      label: body.label,
      slices: painted,
    }),
  });
  const stored = (await reply.json()) as { sop_uid: string };
  return stored.sop_uid;
}
