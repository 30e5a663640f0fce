/** Findings and assessments for the tests of this room. */

import type { Assessment, Finding } from "./diagnosis";

/** A finding that is present and says nothing else. */
export function finding(id: string, more: Partial<Finding> = {}): Finding {
  return {
    id,
    label: `label ${id}`,
    is_present: true,
    probability: null,
    threshold: null,
    operating_point: "",
    place: { laterality: "", image: null, slice_index: null, box: null },
    quantities: [],
    slices: [],
    parts: null,
    change: null,
    ...more,
  };
}

/** An assessment of some images. */
export function assessment(
  images: readonly { sop: string; frame: number | null }[],
  findings: readonly Finding[] = [],
): Assessment {
  return {
    algorithm: {
      name: "a",
      digest: "",
      version: "",
      form: "",
      kind: "",
      intended_use: "",
    },
    status: "assessed",
    advice: "refer",
    images: images.map(({ sop, frame }) => ({
      case: "",
      sop_instance_uid: sop,
      series_uid: "",
      frame,
    })),
    modality: "",
    body_part: "",
    findings,
    prediction_set: [],
    coverage: null,
    out_of_distribution: null,
    reason: "",
    notes: [],
  };
}
