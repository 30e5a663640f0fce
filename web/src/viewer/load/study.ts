/** What a study holds: its series, and the images of a series. */

import { api, ask, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { seriesMetadata } from "./address";
import type { DataSet } from "./dicom_json";
import { type ImageInfo, imagesOf } from "./image";
import { inOrder } from "./order";

export type WholeStudy = components["schemas"]["WholeStudy"];
export type SeriesLine = components["schemas"]["SeriesView"];

/** Kinds that are no images; others are tried. */
const NO_IMAGES = [
  "SR",
  "PR",
  "KO",
  "RTSTRUCT",
  "RTPLAN",
  "DOC",
  "REG",
  "FID",
  "ECG",
  "AU",
];

/** A study by its number here. */
export function loadStudy(study: number, abort: AbortSignal): Promise<WholeStudy> {
  const asked = api.GET("/api/v1/studies/{study}", {
    params: { path: { study } },
    signal: abort,
  });
  return ok(asked) as Promise<WholeStudy>;
}

/**
 * The series that can be looked at, in their order. Of our own objects only secondary
 * captures are images to a reader; masks and the like are shown as layers.
 */
export function shownSeries(study: WholeStudy): readonly SeriesLine[] {
  return study.series
    .filter((each) => !each.is_own || each.modality === "OT" || each.modality === "SC")
    .filter((each) => !(each.is_own && !hasImages(each)))
    .sort(
      (a, b) =>
        Number(a.is_own) - Number(b.is_own) ||
        Number(hasImages(b)) - Number(hasImages(a)) ||
        (a.number ?? 1e9) - (b.number ?? 1e9) ||
        a.id - b.id,
    );
}

/** False for reports, plans and other kinds without pixels. */
export function hasImages(series: SeriesLine): boolean {
  return !NO_IMAGES.includes(series.modality);
}

/** All images of a series in their order. */
export async function loadSeries(
  study: string,
  series: string,
  abort: AbortSignal,
): Promise<readonly ImageInfo[]> {
  const data = await fetchJson(seriesMetadata(study, series), abort);
  return inOrder(data.flatMap(imagesOf));
}

async function fetchJson(
  address: string,
  abort: AbortSignal,
): Promise<readonly DataSet[]> {
  const reply = await ask(address, {
    headers: { Accept: "application/dicom+json" },
    signal: abort,
  });
  return reply.status === 204 ? [] : ((await reply.json()) as readonly DataSet[]);
}
