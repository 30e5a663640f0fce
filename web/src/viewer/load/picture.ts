/** From an image's address to its picture: frame, tables, grey scale. */

import { ask } from "~/core/api/client";
import { ProblemError } from "~/core/api/problem";
import type { Palette } from "../pixels/colour";
import type { Layout, NoPicture } from "../pixels/layout";
import { descriptorOf, expandSegments, type Lut, lutOf } from "../pixels/lut";
import { embeddedOverlay } from "../pixels/overlay";
import {
  colourPicture,
  greyPicture,
  type Modality,
  type Picture,
  palettePicture,
  rescale,
} from "../pixels/picture";
import { unpack, type Values } from "../pixels/unpack";
import type { Voi } from "../pixels/voi";
import { frameAddress } from "./address";
import { fetchBulk } from "./bulk";
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
    fetchTables(image, layout),
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

async function fetchTables(image: ImageInfo, layout: Layout): Promise<Tables> {
  const { grey } = image;
  const [low] = storedSpan(layout);
  const modality = grey.modalityLut ? lutOf(await filled(grey.modalityLut), low) : null;
  const floor = rescale(low, { ...grey, lut: modality, unit: "" });
  const tables = await Promise.all(
    grey.voiLuts.map(async (far) => ({
      label: far.label,
      lut: lutOf(await filled(far), modality ? 0 : floor),
    })),
  );
  const vois = tables.flatMap(({ label, lut }): Voi[] =>
    lut ? [{ kind: "table", lut, label }] : [],
  );
  return {
    modality,
    vois: [...vois, ...grey.windows],
    palette: image.palette ? await fetchPalette(image, low) : null,
  };
}

async function fetchPalette(image: ImageInfo, floor: number): Promise<Palette | null> {
  const far = await Promise.all((image.palette ?? []).map((each) => filled(each)));
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

/** A table with its data here. */
async function filled(far: FarLut): Promise<FarLut> {
  if (!far.address || far.data.length > 0) return far;
  return { ...far, data: await fetchBulk(far.address) };
}

/** The picture of a frame's bytes. */
export function pictureOf(
  bytes: ArrayBuffer,
  image: ImageInfo,
  layout: Layout,
  tables: Tables,
): Picture {
  // Unpacking masks what stands above the image's bits.
  const embedded = embeddedOf(bytes, image, layout);
  const picture = pictureOfValues(unpack(bytes, layout), image, layout, tables);
  const taken = embedded.size * layout.rows * layout.columns;
  return taken > 0 ? { ...picture, embedded, bytes: picture.bytes + taken } : picture;
}

/** Bits of the overlay planes within the pixels, by place of their group. */
function embeddedOf(
  bytes: ArrayBuffer,
  image: ImageInfo,
  layout: Layout,
): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (const { place, source } of image.overlays) {
    if (source.kind !== "embedded") continue;
    const bits = embeddedOverlay(bytes, layout, source.bit);
    if (bits) found.set(place, bits);
  }
  return found;
}

function pictureOfValues(
  values: Values,
  image: ImageInfo,
  layout: Layout,
  tables: Tables,
): Picture {
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
