/** Size of a pixel, and what it is worth (PS3.3 10.7, C.8.5.5, C.7.6.3.1.7). */

import { type DataSet, items, number, numbers, text } from "./dicom_json";
import { placeOf } from "./groups";

/**
 * - "patient": mm in the patient (tomography, or a radiograph that was calibrated);
 * - "detector": mm where the rays met the detector; the patient is smaller;
 * - "ultrasound": mm within the one region of a scan;
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
  const imager = pair(numbers(data, "ImagerPixelSpacing"));
  if (pixel && !isProjection) return { ...pixel, kind: "patient" };
  if (pixel) {
    const isSame = imager && imager.row === pixel.row && imager.column === pixel.column;
    const isCalibrated = text(data, "PixelSpacingCalibrationType") !== "" || !isSame;
    return { ...pixel, kind: isCalibrated && imager ? "patient" : "detector" };
  }
  if (imager) return { ...imager, kind: "detector" };
  const scanned = pair(numbers(data, "NominalScannedPixelSpacing"));
  if (scanned) return { ...scanned, kind: "detector" };
  return ultrasoundOf(data) ?? proportionOf(data);
}

/** Calibrated where all spatial regions agree and cover the image's main part. */
function ultrasoundOf(data: DataSet): Spacing | null {
  const found = items(data, "SequenceOfUltrasoundRegions").map((region) => {
    const isSpatial =
      number(region, "PhysicalUnitsXDirection") === CENTIMETRES &&
      number(region, "PhysicalUnitsYDirection") === CENTIMETRES;
    const [x, y] = [number(region, "PhysicalDeltaX"), number(region, "PhysicalDeltaY")];
    return isSpatial && x && y
      ? { column: Math.abs(x) * 10, row: Math.abs(y) * 10 }
      : null;
  });
  const spatial = found.filter((each) => each !== null);
  const [first] = spatial;
  if (!first || found.length !== spatial.length) return null;
  const agree = spatial.every(
    (each) => each.row === first.row && each.column === first.column,
  );
  return agree ? { ...first, kind: "ultrasound" } : null;
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

/** (row, column) in mm, null where lengths mean nothing. */
export function millimetres(spacing: Spacing): readonly [number, number] | null {
  return spacing.kind === "none" ? null : [spacing.row, spacing.column];
}
