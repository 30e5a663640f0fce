/** Overlay planes that a header describes (Overlay Plane module, PS3.3 C.9.2). */

import { addressOf } from "./bulk";
import { type DataSet, type Element, inlineBytes } from "./dicom_json";

/** "G": graphics, lines and words; "R": a region of interest. */
export type OverlayKind = "G" | "R";

/** One plane: a bit for each of its pixels. */
export interface OverlayPlane {
  /** The group's number within its family, from 0: 6000 is 0, 6002 is 1. */
  readonly place: number;
  readonly kind: OverlayKind;
  /** What the header calls it, "" where it says nothing. */
  readonly label: string;
  readonly rows: number;
  readonly columns: number;
  /** Pixels of the image above and to the left of its first pixel; may be negative. */
  readonly top: number;
  readonly left: number;
  /** Image frames that it lies on, from 1, both included; `frames` of them have data. */
  readonly firstFrame: number;
  readonly lastFrame: number;
  readonly frames: number;
  readonly source: OverlaySource;
  /** Of a region: what the sender measured in it, null where the header does not say. */
  readonly mean: number | null;
  readonly deviation: number | null;
}

/** Where the bits are. */
export type OverlaySource =
  | {
      readonly kind: "own";
      readonly bytes: Uint8Array | null;
      readonly address: string;
      /** Words of a big-endian file, whose bytes stand the other way round. */
      readonly isSwapped: boolean;
    }
  /** In a bit of each stored pixel above those of the image (retired in 2004). */
  | { readonly kind: "embedded"; readonly bit: number };

const FIRST_GROUP = 0x6000;
const GROUPS = 16;
const MOST_PIXELS = 1 << 28;
const MOST_FRAMES = 100_000;
const EXPLICIT_BIG = "1.2.840.10008.1.2.2";

/** The size of the image's pixels that a plane must agree with. */
export interface ImageCells {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly transferSyntax: string;
}

/** The planes of a data set that can be drawn; damaged ones are left out. */
export function overlayPlanesOf(
  data: DataSet,
  image: ImageCells,
): readonly OverlayPlane[] {
  return Array.from({ length: GROUPS }, (_, place) => place).flatMap((place) => {
    const found = planeOf(groupOf(data, place), place, image);
    return found ? [found] : [];
  });
}

type Group = (element: string) => Element | undefined;

function groupOf(data: DataSet, place: number): Group {
  const group = (FIRST_GROUP + 2 * place).toString(16).toUpperCase();
  return (element) => data[group + element];
}

function planeOf(group: Group, place: number, image: ImageCells): OverlayPlane | null {
  const source = sourceOf(group, image);
  const [rows, columns] = [whole(group("0010")), whole(group("0011"))];
  if (!source || !rows || !columns || rows < 0 || columns < 0) return null;
  if (rows * columns > MOST_PIXELS) return null;
  const isEmbedded = source.kind === "embedded";
  if (isEmbedded && (rows !== image.rows || columns !== image.columns)) return null;
  const [row = 1, column = 1] = numbersOf(group("0050"));
  return {
    place,
    kind: text(group("0040")) === "R" ? "R" : "G",
    label: text(group("1500")) || text(group("0022")) || text(group("0045")),
    rows,
    columns,
    // Origin 1\1 is the first pixel of the image; smaller ones lie outside (C.9.2.1.2).
    top: Math.trunc(row) - 1,
    left: Math.trunc(column) - 1,
    ...framesOf(group, image, isEmbedded),
    source,
    mean: numbersOf(group("1302"))[0] ?? null,
    deviation: numbersOf(group("1303"))[0] ?? null,
  };
}

function sourceOf(group: Group, image: ImageCells): OverlaySource | null {
  const data = group("3000");
  if (data?.InlineBinary || data?.BulkDataURI) {
    const isSwapped = image.transferSyntax === EXPLICIT_BIG && data.vr === "OW";
    const source = { bytes: inlineBytes(data), address: addressOf(data), isSwapped };
    return { kind: "own", ...source };
  }
  const bit = whole(group("0102"));
  const isAbove = bit !== null && bit >= image.bitsStored && bit < image.bitsAllocated;
  return isAbove ? { kind: "embedded", bit } : null;
}

/**
 * A plane of one frame that names no frame of the image lies on all of them; others on as
 * many as they have, from Image Frame Origin on.
 */
function framesOf(group: Group, image: ImageCells, isEmbedded: boolean) {
  if (isEmbedded) return { firstFrame: 1, lastFrame: image.frames, frames: 1 };
  const said = whole(group("0015"));
  const origin = whole(group("0051"));
  const frames = Math.min(Math.max(1, said ?? 1), MOST_FRAMES);
  if (said === null && origin === null) {
    return { firstFrame: 1, lastFrame: image.frames, frames };
  }
  const firstFrame = Math.max(1, origin ?? 1);
  return { firstFrame, lastFrame: firstFrame + frames - 1, frames };
}

/** Planes that lie on a frame. */
export function overlaysOn(
  planes: readonly OverlayPlane[],
  frame: number,
): readonly OverlayPlane[] {
  return planes.filter((each) => frame >= each.firstFrame && frame <= each.lastFrame);
}

function text(found: Element | undefined): string {
  const value = found?.Value?.[0];
  return typeof value === "string" ? value.trim() : "";
}

function numbersOf(found: Element | undefined): readonly number[] {
  const values = (found?.Value ?? []).map((each) =>
    typeof each === "number" ? each : Number.parseFloat(String(each)),
  );
  return values.every(Number.isFinite) ? values : [];
}

function whole(found: Element | undefined): number | null {
  const [first] = numbersOf(found);
  return first === undefined ? null : Math.trunc(first);
}
