/** Addresses of WADO-RS (PS3.18 10.4); UIDs are checked before they become a path. */

import type { ImageInfo } from "./image";

const ROOT = "/dicom-web";

/** A UID for a path: figures and dots (PS3.5 9.1), or nothing that could lead astray. */
function uid(value: string): string {
  return encodeURIComponent(value);
}

/** Metadata of a series. */
export function seriesMetadata(study: string, series: string): string {
  return `${seriesAddress(study, series)}/metadata`;
}

/** A small picture of a series. */
export function seriesThumbnail(study: string, series: string): string {
  return `${seriesAddress(study, series)}/thumbnail`;
}

/** The frame of an image, for its stored values. */
export function frameAddress(image: ImageInfo): string {
  const { sop, frame } = image.address;
  return `${seriesAddress(image.study, image.series)}/instances/${uid(sop)}/frames/${frame}`;
}

/** The same as a JPEG of at most this many pixels a side, by the file's own window. */
export function previewAddress(image: ImageInfo, side: number): string {
  return `${frameAddress(image)}/rendered?viewport=${side},${side}&quality=75`;
}

function seriesAddress(study: string, series: string): string {
  return `${ROOT}/studies/${uid(study)}/series/${uid(series)}`;
}
