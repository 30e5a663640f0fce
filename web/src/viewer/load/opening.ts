/** The first image of a study or a series: header and pixels, asked for together. */

import { ask } from "~/core/api/client";
import { frameAddress } from "./address";
import type { DataSet } from "./dicom_json";
import { type ImageInfo, imagesOf } from "./image";
import { inOrder } from "./order";

/** What the service says of it. */
export interface Opening {
  /** Series Instance UID. */
  readonly series: string;
  /** Of the instance, in their order; the first is to be shown. */
  readonly images: readonly ImageInfo[];
}

/** Stored values of a frame, and the frame's address in DICOMweb. */
interface Frame {
  readonly address: string;
  readonly bytes: ArrayBuffer;
}

/** Frames by address that are on their way; each is taken once. */
const offered = new Map<string, Promise<Frame | null>>();
/** A pane each; what nobody took gives way. */
const MOST_OFFERED = 4;

/**
 * Ask for the first image; null where there is none, or where it did not come: the series
 * itself then says what is wrong.
 *
 * @param study our number of it.
 * @param series our number of a series; null for the first one.
 */
export function askOpening(
  study: number,
  series: number | null,
  abort: AbortSignal,
): Promise<Opening | null> {
  const root = `/api/v1/studies/${study}/opening`;
  const query = series === null ? "" : `?series=${series}`;
  const frame = fetchFrame(`${root}/frame${query}`, abort).catch(() => null);
  return fetchOpening(root + query, abort)
    .then((found) => {
      const [first] = found?.images ?? [];
      if (first) offer(first, frame);
      return found;
    })
    .catch(() => null);
}

async function fetchOpening(
  address: string,
  abort: AbortSignal,
): Promise<Opening | null> {
  const reply = await ask(address, { signal: abort });
  if (reply.status === 204) return null;
  const found = (await reply.json()) as { series_uid: string; image: DataSet };
  return { series: found.series_uid, images: inOrder(imagesOf(found.image)) };
}

async function fetchFrame(address: string, abort: AbortSignal): Promise<Frame | null> {
  const reply = await ask(address, { signal: abort });
  if (reply.status === 204) return null;
  const said = reply.headers.get("Content-Location") ?? "";
  return { address: said, bytes: await reply.arrayBuffer() };
}

function offer(image: ImageInfo, frame: Promise<Frame | null>): void {
  const [oldest] = offered.keys();
  if (offered.size >= MOST_OFFERED && oldest) offered.delete(oldest);
  offered.set(frameAddress(image), frame);
}

/**
 * The stored values of an image that were asked for with its opening; null where they
 * were not, or where they are of another frame: an image may have come in between.
 */
export async function takeFrame(image: ImageInfo): Promise<ArrayBuffer | null> {
  const address = frameAddress(image);
  const coming = offered.get(address);
  offered.delete(address);
  const frame = await coming;
  return frame?.address === address ? frame.bytes : null;
}
