/** What a header says of the size of pixels, and the values of a picture. */

import { type DataSet, items, number, numbers, text } from "~/viewer/load/dicom_json";
import { placeOf } from "~/viewer/load/groups";
import {
  type GreyPicture,
  isPadding,
  type Picture,
  rescale,
} from "~/viewer/pixels/picture";
import type { Pair, PixelSize, UltrasoundRegion } from "./calibration";
import type { Values } from "./statistics";

/** Modalities whose rays diverge (projection radiography). */
const PROJECTION = new Set(["CR", "DX", "MG", "PX", "IO", "RG", "RF", "XA", "DR"]);

/** The size of a frame's pixels as its header gives it. */
export function pixelSizeOf(data: DataSet, frame: number): PixelSize {
  const place = placeOf(data, frame, "PixelMeasuresSequence", "PixelSpacing");
  return {
    pixelSpacing: pair(numbers(place, "PixelSpacing")),
    imagerPixelSpacing:
      pair(numbers(data, "ImagerPixelSpacing")) ??
      pair(numbers(data, "NominalScannedPixelSpacing")),
    calibrationType: text(data, "PixelSpacingCalibrationType"),
    pixelAspectRatio: pair(numbers(data, "PixelAspectRatio")),
    regions: items(data, "SequenceOfUltrasoundRegions").flatMap(regionOf),
    isProjection: PROJECTION.has(text(data, "Modality")),
  };
}

function pair([row, column]: readonly number[]): Pair | null {
  return row === undefined || column === undefined ? null : [row, column];
}

const FORMAT = "00186012"; // Region Spatial Format

function regionOf(item: DataSet): UltrasoundRegion[] {
  const [left, top] = [
    number(item, "RegionLocationMinX0"),
    number(item, "RegionLocationMinY0"),
  ];
  const [right, bottom] = [
    number(item, "RegionLocationMaxX1"),
    number(item, "RegionLocationMaxY1"),
  ];
  const [dx, dy] = [number(item, "PhysicalDeltaX"), number(item, "PhysicalDeltaY")];
  const all = [left, top, right, bottom, dx, dy];
  if (all.some((each) => each === null)) return [];
  return [
    {
      left: left ?? 0,
      top: top ?? 0,
      right: right ?? 0,
      bottom: bottom ?? 0,
      format: Number(item[FORMAT]?.Value?.[0] ?? 0),
      units: [
        number(item, "PhysicalUnitsXDirection") ?? 0,
        number(item, "PhysicalUnitsYDirection") ?? 0,
      ],
      delta: [dx ?? 0, dy ?? 0],
    },
  ];
}

/** The rescaled values of a grey picture; null for colour and while there is none. */
export function valuesOf(picture: Picture | null): Values | null {
  if (picture?.kind !== "grey") return null;
  const { rows, columns, modality } = picture;
  return { rows, columns, unit: modality.unit, at: reader(picture) };
}

function reader({ stored, padding, modality }: GreyPicture): (index: number) => number {
  return (index) => {
    const value = stored[index] ?? Number.NaN;
    return isPadding(value, padding) ? Number.NaN : rescale(value, modality);
  };
}
