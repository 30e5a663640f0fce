/** What the pages of models ask of the service. */

import { api, newKey, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";

type Schemas = components["schemas"];
export type Bundle = Schemas["WholeBundle"];
export type BundleLine = Schemas["BundleView"];
export type Role = BundleLine["role"];
export type Monitor = Schemas["MonitorView"];
export type Look = Schemas["LookView"];
export type Agreement = Schemas["AgreementView"];
export type Comparison = Schemas["ComparisonView"];
export type Promotion = Schemas["PromotionView"];
export type Evaluation = Schemas["EvaluationView"];
export type WholeEvaluation = Schemas["WholeEvaluation"];

/** One bundle with all that it says of itself. */
export function readBundle(digest: string, signal?: AbortSignal): Promise<Bundle> {
  const path = { digest };
  return ok(api.GET("/api/v1/bundles/{digest}", { params: { path }, signal }));
}

const ORDER: readonly Role[] = ["active", "shadow", "retired"];

/** All bundles, those at work first; what each says of itself takes longer to read. */
export async function readLines(signal: AbortSignal): Promise<readonly BundleLine[]> {
  const lines = await ok(api.GET("/api/v1/bundles", { signal }));
  return lines.sort((one, other) => ORDER.indexOf(one.role) - ORDER.indexOf(other.role));
}

/** Agreement, looks and alarms of some months; of one bundle, or of all. */
export function readMonitor(
  months: readonly string[],
  bundle?: string,
  signal?: AbortSignal,
): Promise<Monitor> {
  const query = { month: [...months], ...(bundle ? { bundle } : {}) };
  return ok(api.GET("/api/v1/monitor", { params: { query }, signal }));
}

/** Evaluations of a bundle, the newest first; `next` asks for the page after. */
export function readEvaluations(
  bundle: string | null,
  cursor: string | null,
  signal?: AbortSignal,
): Promise<Schemas["EvaluationPage"]> {
  const query = {
    limit: 20,
    ...(bundle ? { bundle } : {}),
    ...(cursor ? { cursor } : {}),
  };
  return ok(api.GET("/api/v1/evaluations", { params: { query }, signal }));
}

/** Headers of a change that is done once, however often it is sent. */
export function once(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": newKey() };
}
