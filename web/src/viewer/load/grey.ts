/** What a header says of grey: modality transform, windows, tables, padding. */

import type { Layout, NoPicture } from "../pixels/layout";
import type { LutSource } from "../pixels/lut";
import { FUNCTIONS, leastWidth, type VoiFunction, type Window } from "../pixels/voi";
import { addressOf } from "./bulk";
import {
  type DataSet,
  type Element,
  element,
  inlineBytes,
  items,
  type Keyword,
  number,
  numbers,
  text,
  texts,
} from "./dicom_json";
import { placeOf } from "./groups";

/** A table whose data may lie at an address of its own. */
export interface FarLut extends LutSource {
  /** "" where the data are here. */
  readonly address: string;
  readonly label: string;
}

/** Everything between stored values and shades. */
export interface GreySources {
  readonly slope: number;
  readonly intercept: number;
  readonly modalityLut: FarLut | null;
  /** "HU", "", … of the rescaled values. */
  readonly unit: string;
  readonly windows: readonly Window[];
  readonly voiLuts: readonly FarLut[];
  /** Range of stored values that mean "no pixel" (C.7.5.1.1.2). */
  readonly padding: readonly [low: number, high: number] | null;
  /** Small values are bright (MONOCHROME1). */
  readonly isInverse: boolean;
}

/** The sources of a frame. */
export function greyOf(
  data: DataSet,
  frame: number,
  layout: Layout | NoPicture,
): GreySources {
  const scaled = placeOf(data, frame, "PixelValueTransformationSequence", "RescaleSlope");
  const slope = number(scaled, "RescaleSlope") ?? 1;
  const tables = items(data, "ModalityLUTSequence");
  const modalityLut = tables[0] ? farLut(tables[0], "LUTDescriptor", "LUTData") : null;
  return {
    slope: slope === 0 ? 1 : slope,
    intercept: number(scaled, "RescaleIntercept") ?? 0,
    modalityLut,
    unit: unitOf(data, scaled, tables[0]),
    windows: windowsOf(
      placeOf(data, frame, "FrameVOILUTSequence", "WindowCenter"),
      typeof layout !== "string" && layout.isFloat,
    ),
    voiLuts: items(data, "VOILUTSequence").map((item) =>
      farLut(item, "LUTDescriptor", "LUTData"),
    ),
    padding: typeof layout === "string" ? null : paddingOf(data, layout),
    isInverse: text(data, "PhotometricInterpretation") === "MONOCHROME1",
  };
}

function unitOf(data: DataSet, scaled: DataSet, table: DataSet | undefined): string {
  const said = (table && text(table, "ModalityLUTType")) || text(scaled, "RescaleType");
  const isCt = text(data, "Modality") === "CT" && element(scaled, "RescaleSlope");
  const unit = said || text(data, "Units") || (isCt ? "HU" : "");
  return unit === "US" ? "" : unit; // "unspecified" (C.11.1.1.2)
}

/**
 * The windows of a header; what means nothing (width 0, no number) is left out. LINEAR is
 * laid out for whole numbers, where a width of 1 is a threshold: on floats it would turn a
 * map from 0 to 1 to black and white, so that they get LINEAR_EXACT.
 */
function windowsOf(place: DataSet, isFloat: boolean): readonly Window[] {
  const [centers, widths] = [
    numbers(place, "WindowCenter"),
    numbers(place, "WindowWidth"),
  ];
  const labels = texts(place, "WindowCenterWidthExplanation");
  const said = text(place, "VOILUTFunction") as VoiFunction;
  const named = FUNCTIONS.includes(said) ? said : "LINEAR";
  const how = isFloat && named === "LINEAR" ? "LINEAR_EXACT" : named;
  return centers.flatMap((center, index) => {
    const width = widths[index];
    return width === undefined || width < leastWidth(how)
      ? []
      : [{ kind: "window", center, width, function: how, label: labels[index] ?? "" }];
  });
}

function paddingOf(data: DataSet, layout: Layout): readonly [number, number] | null {
  const first = number(data, "PixelPaddingValue");
  if (first === null || layout.isFloat) return null;
  const last = number(data, "PixelPaddingRangeLimit") ?? first;
  const [low, high] = [asStored(first, layout), asStored(last, layout)];
  return low <= high ? [low, high] : [high, low];
}

/** A value that was read with the wrong sign, brought into the stored range. */
function asStored(value: number, layout: Layout): number {
  const [low, high] = storedSpan(layout);
  if (value >= low && value <= high) return value;
  const size = 2 ** layout.bitsAllocated;
  return layout.isSigned ? value - size : ((value % size) + size) % size;
}

/** Smallest and largest stored value that a header allows. */
export function storedSpan(layout: Layout): readonly [number, number] {
  return layout.isSigned
    ? [-(2 ** (layout.bitsStored - 1)), 2 ** (layout.bitsStored - 1) - 1]
    : [0, 2 ** layout.bitsStored - 1];
}

function farLut(item: DataSet, descriptor: Keyword, data: Keyword): FarLut {
  const found = element(item, data);
  return {
    descriptor: numbers(item, descriptor),
    data: dataOf(found),
    address: addressOf(found),
    label: text(item, "LUTExplanation"),
  };
}

function dataOf(found: Element | undefined): Uint8Array | readonly number[] {
  const bytes = inlineBytes(found);
  if (bytes) return bytes;
  return (found?.Value ?? []).filter(
    (value): value is number => typeof value === "number",
  );
}

/** Red, green and blue tables of a palette, plain or segmented. */
export function paletteOf(data: DataSet): {
  palette: readonly [FarLut, FarLut, FarLut] | null;
  isSegmented: boolean;
} {
  const isSegmented = !element(data, "RedPaletteColorLookupTableData");
  const of = (colour: "Red" | "Green" | "Blue") => {
    const stem = `${colour}PaletteColorLookupTable` as const;
    return farLut(
      data,
      `${stem}Descriptor`,
      isSegmented ? `Segmented${stem}Data` : `${stem}Data`,
    );
  };
  if (text(data, "PhotometricInterpretation") !== "PALETTE COLOR") {
    return { palette: null, isSegmented: false };
  }
  return { palette: [of("Red"), of("Green"), of("Blue")], isSegmented };
}
