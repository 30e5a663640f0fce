/** Lines of a worklist for tests. */

import type { Study } from "./rows";

/** A line of which only some words matter. */
export function lineOf(id: number, more: Partial<Study> = {}): Study {
  return {
    id,
    study_uid: `1.2.${id}`,
    patient: { id: `P-${id}`, name: "Doe^Jane", birth_date: "1960-01-01", sex: "F" },
    accession_number: "",
    study_date: "2026-03-04",
    study_time: "09:30:00",
    began_at: "2026-03-04T09:30:00Z",
    description: "Chest PA",
    modalities: ["DX"],
    series_count: 1,
    instance_count: 1,
    bytes: 1,
    received_at: "2026-03-04T10:00:00Z",
    last_at: "2026-03-04T10:00:00Z",
    state: "ready",
    reason: "",
    urgency: 0,
    headline: null,
    reading: "unread",
    read_at: null,
    changed_at: "2026-03-04T10:00:00Z",
    site: "",
    result_id: null,
    ...more,
  };
}
