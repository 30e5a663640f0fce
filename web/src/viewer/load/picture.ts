/** From an image's address to its picture: frame, tables, grey scale. */

import { ask } from "~/core/api/client";
import { ProblemError } from "~/core/api/problem";
import type { Palette } from "../pixels/colour";
import type { Layout, NoPicture } from "../pixels/layout";
import { descriptorOf, expandSegments, type Lut, lutOf } from "../pixels/lut";
import {
  colourPicture,
  greyPicture,
  type Modality,
  type Picture,
  palettePicture,
  rescale,
} from "../pixels/picture";
import { unpack } from "../pixels/unpack";
import type { Voi } from "../pixels/voi";
import { frameAddress } from "./address";
import { type FarLut, storedSpan } from "./grey";
import type { ImageInfo } from "./image";
import { takeFrame } from "./opening";

/** There is no picture in this image; `reason` is a key of the viewer's texts. */
export class NoPictureError extends Error {
  override readonly name = "NoPictureError";

  constructor(readonly reason: NoPicture | "odd-palette" | "no-decoder") {
    super(reason);
  }
}

/** Frames come decoded, or as they are stored where no decoder of the service fits. */
const ACCEPT = "application/octet-stream";

/**
 * Load a picture.
 *
 * @throws NoPictureError the image has none that can be shown.
 * @throws ProblemError, OfflineError as every request.
 */
export async function loadPicture(
  image: ImageInfo,
  abort: AbortSignal,
): Promise<Picture> {
  const { layout } = image;
  if (typeof layout === "string") throw new NoPictureError(layout);
  const [bytes, tables] = await Promise.all([
    fetchFrame(image, abort),
    fetchTables(image, layout, abort),
  ]);
  return pictureOf(bytes, image, layout, tables);
}

async function fetchFrame(image: ImageInfo, abort: AbortSignal): Promise<ArrayBuffer> {
  const early = await takeFrame(image);
  if (early) return early;
  try {
    const reply = await ask(frameAddress(image), {
      headers: { Accept: ACCEPT },
      signal: abort,
    });
    return await reply.arrayBuffer();
  } catch (error) {
    if (error instanceof ProblemError && error.status === 406) {
      throw new NoPictureError("no-decoder");
    }
    throw error;
  }
}

/** Tables of an image, their far data fetched; damaged ones are null. */
export interface Tables {
  readonly modality: Lut | null;
  readonly vois: readonly Voi[];
  readonly palette: Palette | null;
}

async function fetchTables(
  image: ImageInfo,
  layout: Layout,
  abort: AbortSignal,
): Promise<Tables> {
  const { grey } = image;
  const [low] = storedSpan(layout);
  const modality = grey.modalityLut
    ? lutOf(await filled(grey.modalityLut, abort), low)
    : null;
  const floor = rescale(low, { ...grey, lut: modality, unit: "" });
  const tables = await Promise.all(
    grey.voiLuts.map(async (far) => ({
      label: far.label,
      lut: lutOf(await filled(far, abort), modality ? 0 : floor),
    })),
  );
  const vois = tables.flatMap(({ label, lut }): Voi[] =>
    lut ? [{ kind: "table", lut, label }] : [],
  );
  return {
    modality,
    vois: [...vois, ...grey.windows],
    palette: image.palette ? await fetchPalette(image, low, abort) : null,
  };
}

async function fetchPalette(
  image: ImageInfo,
  floor: number,
  abort: AbortSignal,
): Promise<Palette | null> {
  const far = await Promise.all((image.palette ?? []).map((each) => filled(each, abort)));
  const [red, green, blue] = far.map((each) =>
    image.isSegmentedPalette ? segmented(each, floor) : lutOf(each, floor),
  );
  return red && green && blue ? [red, green, blue] : null;
}

function segmented(far: FarLut, floor: number): Lut | null {
  const found = descriptorOf(far.descriptor, floor);
  if (!found || !(far.data instanceof Uint8Array)) return null;
  const entries = expandSegments(far.data, found.bits, found.count);
  return entries ? { entries, first: found.first, bits: found.bits } : null;
}

const fetched = new Map<string, Promise<Uint8Array>>();
const MOST_FETCHED = 64;

/** A table with its data here; tables that many images share are fetched once. */
async function filled(far: FarLut, abort: AbortSignal): Promise<FarLut> {
  if (!far.address || far.data.length > 0) return far;
  let data = fetched.get(far.address);
  if (!data) {
    data = fetchBulk(far.address, abort);
    fetched.set(far.address, data);
    data.catch(() => fetched.delete(far.address));
    const [oldest] = fetched.keys();
    if (fetched.size > MOST_FETCHED && oldest) fetched.delete(oldest);
  }
  return { ...far, data: await data };
}

async function fetchBulk(address: string, abort: AbortSignal): Promise<Uint8Array> {
  const reply = await ask(address, { headers: { Accept: ACCEPT }, signal: abort });
  return new Uint8Array(await reply.arrayBuffer());
}

/** The picture of a frame's bytes. */
export function pictureOf(
  bytes: ArrayBuffer,
  image: ImageInfo,
  layout: Layout,
  tables: Tables,
): Picture {
  const values = unpack(bytes, layout);
  if (layout.samples > 1) return colourPicture(values, layout, image.transferSyntax);
  if (layout.photometric === "PALETTE COLOR") {
    if (!tables.palette) throw new NoPictureError("odd-palette");
    return palettePicture(values, layout, tables.palette);
  }
  const { slope, intercept, unit, padding, isInverse } = image.grey;
  const modality: Modality = { slope, intercept, lut: tables.modality, unit };
  return greyPicture(values, layout, {
    modality,
    padding,
    isInverse,
    vois: tables.vois,
  });
}
