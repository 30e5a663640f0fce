/** What a study holds: its series, and the images of a series. */

import { api, ask, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { instanceMetadata, instancesOf, seriesMetadata } from "./address";
import { type DataSet, number, text } from "./dicom_json";
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
/** A series of more instances than these is opened by its first image. */
const MANY = 16;
const PAGE = 1000;

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

/**
 * The first image of a long series, by its number, so that something can be seen while
 * the rest is listed; null for a short one.
 */
export async function loadFirst(
  study: string,
  series: SeriesLine,
  abort: AbortSignal,
): Promise<ImageInfo | null> {
  if (series.instance_count <= MANY) return null;
  const found: DataSet[] = [];
  for (let offset = 0; offset < series.instance_count; offset += PAGE) {
    found.push(
      ...(await fetchJson(instancesOf(study, series.series_uid, offset), abort)),
    );
    if (found.length < offset + PAGE) break;
  }
  const at = (data: DataSet) => number(data, "InstanceNumber") ?? 1e9;
  const [first] = found.sort((a, b) => at(a) - at(b));
  const sop = first && text(first, "SOPInstanceUID");
  if (!sop) return null;
  const address = instanceMetadata(study, series.series_uid, sop);
  const [data] = await fetchJson(address, abort);
  return (data && imagesOf(data)[0]) ?? null;
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
