/** Size of a pixel, and what it is worth (PS3.3 10.7, C.8.5.5, C.7.6.3.1.7). */

import { type DataSet, items, number, numbers, text } from "./dicom_json";
import { placeOf } from "./groups";

/**
 * - "patient": mm in the patient (tomography, or a radiograph that was calibrated);
 * - "detector": mm where the rays met the detector; the patient is smaller;
 * - "ultrasound": mm within the regions of a scan that show tissue;
 * - "none": not known; `row` and `column` are only in proportion.
 */
export type SpacingKind = "patient" | "detector" | "ultrasound" | "none";

/** Distance between the centres of neighbouring rows and of neighbouring columns. */
export interface Spacing {
  readonly row: number;
  readonly column: number;
  readonly kind: SpacingKind;
}

/** Modalities whose rays diverge, so that a detector's mm are none of the patient. */
const PROJECTION = ["CR", "DX", "MG", "PX", "IO", "RG", "RF", "XA", "DR"];
const LEAST_MM = 1e-4;
const CENTIMETRES = 3;

/** The spacing of a frame. */
export function spacingOf(data: DataSet, frame: number): Spacing {
  const place = placeOf(data, frame, "PixelMeasuresSequence", "PixelSpacing");
  const isProjection = PROJECTION.includes(text(data, "Modality"));
  const pixel = pair(numbers(place, "PixelSpacing"));
  const detector =
    pair(numbers(data, "ImagerPixelSpacing")) ??
    pair(numbers(data, "NominalScannedPixelSpacing"));
  const regions = ultrasoundOf(data);
  if (regions) return regions;
  if (pixel && !isProjection) return { ...pixel, kind: "patient" };
  if (pixel) {
    const isOther =
      detector && (detector.row !== pixel.row || detector.column !== pixel.column);
    const isCalibrated = text(data, "PixelSpacingCalibrationType") !== "" || isOther;
    return { ...pixel, kind: isCalibrated ? "patient" : "detector" };
  }
  return detector ? { ...detector, kind: "detector" } : proportionOf(data);
}

/** Where all regions that show tissue agree; other regions hold curves and words. */
function ultrasoundOf(data: DataSet): Spacing | null {
  const spatial = items(data, "SequenceOfUltrasoundRegions").flatMap((region) => {
    const isSpatial =
      number(region, "PhysicalUnitsXDirection") === CENTIMETRES &&
      number(region, "PhysicalUnitsYDirection") === CENTIMETRES;
    const [x, y] = [number(region, "PhysicalDeltaX"), number(region, "PhysicalDeltaY")];
    const found = x && y ? pair([Math.abs(y) * 10, Math.abs(x) * 10]) : null;
    return isSpatial && found ? [found] : [];
  });
  const [first] = spatial;
  const agree = spatial.every(
    (each) => each.row === first?.row && each.column === first.column,
  );
  return first && agree ? { ...first, kind: "ultrasound" } : null;
}

/** PixelAspectRatio is vertical over horizontal size. */
function proportionOf(data: DataSet): Spacing {
  const [high, wide] = numbers(data, "PixelAspectRatio");
  const isSound = high && wide && high > 0 && wide > 0 && high / wide < 100;
  return { row: isSound ? high / wide : 1, column: 1, kind: "none" };
}

function pair(values: readonly number[]): { row: number; column: number } | null {
  const [row, column = row] = values;
  if (row === undefined || column === undefined) return null;
  return row >= LEAST_MM && column >= LEAST_MM && row / column < 100 && column / row < 100
    ? { row, column }
    : null;
}

/** (row, column) in mm where that holds for the whole image, else null. */
export function millimetres(spacing: Spacing): readonly [number, number] | null {
  const isWhole = spacing.kind === "patient" || spacing.kind === "detector";
  return isWhole ? [spacing.row, spacing.column] : null;
}
