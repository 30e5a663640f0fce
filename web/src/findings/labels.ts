/** Labels that a bundle knows, for a reader who says that it is another one. */

import { signal } from "@preact/signals";
import { api, ok } from "~/core/api/client";
import type { Assessment } from "./diagnosis";

const known = signal<ReadonlyMap<string, readonly string[]>>(new Map());
const asked = new Set<string>();

/** The bundle's labels; until they are there those that the assessment names. */
export function labelsOf(assessment: Assessment): readonly string[] {
  const { digest } = assessment.algorithm;
  if (!asked.has(digest)) {
    asked.add(digest);
    void fetchLabels(digest);
  }
  const found = known.value.get(digest);
  if (found && found.length > 0) return found;
  return [
    ...new Set([
      ...assessment.findings.map((finding) => finding.label),
      ...assessment.prediction_set,
    ]),
  ];
}

async function fetchLabels(digest: string): Promise<void> {
  try {
    const bundle = await ok(
      api.GET("/api/v1/bundles/{digest}", { params: { path: { digest } } }),
    );
    known.value = new Map([...known.value, [digest, bundle.labels]]);
  } catch {
    // A bundle that was removed since: what the assessment names is enough.
  }
}
