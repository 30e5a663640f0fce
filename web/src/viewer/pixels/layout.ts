/** How the pixels of a frame are stored (Image Pixel module, PS3.3 C.7.6.3). */

import { type DataSet, element, number, text } from "../load/dicom_json";

/** The numbers that a frame's bytes are read by. */
export interface Layout {
  readonly rows: number;
  readonly columns: number;
  /** Per pixel: 1, 3 or 4. */
  readonly samples: number;
  readonly photometric: string;
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  readonly highBit: number;
  readonly isSigned: boolean;
  /** Planes one after the other (RRR…GGG…BBB…). */
  readonly isPlanar: boolean;
  readonly isFloat: boolean;
}

/** Why a data set has no picture, as a word that `texts.ts` explains. */
export type NoPicture = "no-pixels" | "odd-size" | "odd-bits" | "odd-photometric";

/** Pixels of one frame at most; a larger claim is not believed. */
export const MOST_PIXELS = 1 << 28;

const GREY = ["MONOCHROME1", "MONOCHROME2"];
const COLOUR = [
  "RGB",
  "YBR_FULL",
  "YBR_FULL_422",
  "YBR_PARTIAL_422",
  "YBR_PARTIAL_420",
  "YBR_ICT",
  "YBR_RCT",
];

/** The layout of a data set's frames, or why there is none. */
export function layoutOf(data: DataSet): Layout | NoPicture {
  const whole = (keyword: Parameters<typeof number>[1], otherwise: number) => {
    const found = number(data, keyword);
    return found === null ? otherwise : Math.trunc(found);
  };
  const [rows, columns] = [whole("Rows", 0), whole("Columns", 0)];
  if (!rows || !columns || !element(data, "PixelData")) return "no-pixels";
  if (rows < 1 || columns < 1 || rows * columns > MOST_PIXELS) return "odd-size";
  const photometric = text(data, "PhotometricInterpretation") || "MONOCHROME2";
  const isColour = COLOUR.includes(photometric);
  if (!isColour && !GREY.includes(photometric) && photometric !== "PALETTE COLOR") {
    return "odd-photometric";
  }
  const bitsAllocated = whole("BitsAllocated", 0);
  const isFloat = isFloatClass(data, bitsAllocated);
  const bitsStored = isFloat ? bitsAllocated : whole("BitsStored", bitsAllocated);
  const isKnown = [1, 8, 16, 32].includes(bitsAllocated) || isFloat;
  if (!isKnown || bitsStored < 1 || bitsStored > bitsAllocated) return "odd-bits";
  const high = whole("HighBit", bitsStored - 1);
  return {
    rows,
    columns,
    samples: isColour ? 3 : 1,
    photometric,
    bitsAllocated,
    bitsStored,
    highBit: high >= bitsStored - 1 && high < bitsAllocated ? high : bitsStored - 1,
    isSigned: whole("PixelRepresentation", 0) === 1,
    isPlanar: whole("PlanarConfiguration", 0) === 1,
    isFloat,
  };
}

/**
 * Floating point pixels have an element of their own (C.7.6.24), which no metadata name;
 * they have no Pixel Representation, which all others must have.
 */
function isFloatClass(data: DataSet, bitsAllocated: number): boolean {
  const isWide = bitsAllocated === 32 || bitsAllocated === 64;
  return isWide && number(data, "PixelRepresentation") === null;
}
