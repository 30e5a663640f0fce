/** The document of a diagnosis (`medlens/diagnosis/1`, docs/diagnosis.md) as the page reads it. */

import type { components } from "~/core/api/schema";
import type { Box, ImageAddress } from "~/viewer/stage";

export type Advice =
  | "nothing_found"
  | "measured"
  | "refer"
  | "unsure"
  | "outside"
  | "not_assessable";
export type Side = "" | "left" | "right" | "bilateral" | "midline";
export type Trend = "new" | "gone" | "larger" | "smaller" | "stable" | "uncertain";

/** One source image; UIDs are "" where the source was no DICOM. */
export interface ImageRef {
  readonly case: string;
  readonly sop_instance_uid: string;
  readonly series_uid: string;
  readonly frame: number | null;
}

/** Something measured: `unit` is "mm", "ml", "mm2" or "{pixels}". */
export interface Quantity {
  readonly kind: "longest_diameter" | "volume" | "area";
  readonly value: number;
  readonly unit: string;
}

export interface Place {
  readonly laterality: Side;
  readonly image: ImageRef | null;
  /** Counted from 0. */
  readonly slice_index: number | null;
  readonly box: Box | null;
}

export interface Change {
  readonly trend: Trend;
  readonly before: Quantity | null;
  readonly prior_probability: number | null;
  readonly days: number | null;
}

export interface Finding {
  readonly id: string;
  readonly label: string;
  readonly is_present: boolean;
  /** Calibrated, 0..1; null of masks. */
  readonly probability: number | null;
  /** On `probability`; null where there is none. */
  readonly threshold: number | null;
  readonly operating_point: string;
  readonly place: Place;
  readonly quantities: readonly Quantity[];
  /** Counted from 0. */
  readonly slices: readonly number[];
  readonly parts: number | null;
  readonly change: Change | null;
}

export interface Assessment {
  readonly algorithm: {
    readonly name: string;
    readonly digest: string;
    readonly version: string;
    readonly form: string;
    readonly kind: string;
    readonly intended_use: string;
  };
  readonly status: "assessed" | "not_assessable";
  readonly advice: Advice;
  readonly images: readonly ImageRef[];
  readonly modality: string;
  readonly body_part: string;
  readonly findings: readonly Finding[];
  readonly prediction_set: readonly string[];
  readonly coverage: number | null;
  readonly out_of_distribution: {
    readonly score: number;
    readonly threshold: number | null;
    readonly is_outlier: boolean;
  } | null;
  readonly reason: string;
  readonly notes: readonly string[];
}

export interface Diagnosis {
  readonly schema: "medlens/diagnosis/1";
  readonly notice: string;
  readonly assessments: readonly Assessment[];
  readonly left_out: readonly { readonly what: string; readonly reason: string }[];
  readonly has_prior: boolean;
}

/** One result, its diagnosis typed. */
export interface Result {
  readonly id: number;
  readonly study_id: number;
  readonly created_at: string;
  readonly diagnosis: Diagnosis;
  readonly names: components["schemas"]["ResultView"]["names"];
  readonly phrases: components["schemas"]["ResultView"]["phrases"];
  readonly objects: components["schemas"]["ResultView"]["objects"];
}

/**
 * The result of a reply.
 *
 * @throws Error its diagnosis is of a schema that this page does not know.
 */
export function readResult(view: components["schemas"]["ResultView"]): Result {
  const found = view.diagnosis as { schema?: unknown };
  if (found.schema !== "medlens/diagnosis/1") {
    throw new Error(
      `result ${view.id}: schema ${JSON.stringify(found.schema)}; this page reads "medlens/diagnosis/1": reload it`,
    );
  }
  return { ...view, diagnosis: view.diagnosis as unknown as Diagnosis };
}

/** A finding's place in a result: "0/1" of assessment 0 and finding "1". */
export function findingKey(assessment: number, finding: string): string {
  return `${assessment}/${finding}`;
}

/** The address of a source image on the screen; null where it is no DICOM. */
export function addressOf(image: ImageRef | null | undefined): ImageAddress | null {
  if (!image?.sop_instance_uid) return null;
  return { sop: image.sop_instance_uid, frame: image.frame ?? 1 };
}

/** The image that shows a finding best: its own, else the first slice that it is on. */
export function bestImage(assessment: Assessment, finding: Finding): ImageAddress | null {
  const own = addressOf(finding.place.image);
  if (own) return own;
  const slice = finding.place.slice_index ?? finding.slices[0] ?? null;
  if (slice === null) return null;
  const { images } = assessment;
  // Where one file holds all slices, its frames are counted like them.
  const image = images.length > 1 ? images[slice] : images[0];
  const address = addressOf(image);
  if (!address || images.length > 1) return address;
  return { ...address, frame: image?.frame ?? slice + 1 };
}

/** The slice of an image among an assessment's images, from 0; null where it is none. */
export function sliceOf(assessment: Assessment, image: ImageAddress): number | null {
  const { images } = assessment;
  const at = images.findIndex(
    (each) => each.sop_instance_uid === image.sop && (each.frame ?? 1) === image.frame,
  );
  if (at >= 0) return at;
  const only = images.length === 1 ? images[0] : undefined;
  return only?.frame === null && only.sop_instance_uid === image.sop
    ? image.frame - 1
    : null;
}
