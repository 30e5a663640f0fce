import { expect, test } from "vitest";
import type { DataSet } from "~/viewer/load/dicom_json";
import { spacingOf } from "~/viewer/load/spacing";
import { calibrationOf } from "./calibration";
import { pixelSizeOf } from "./pixel_size";

const value = (...Value: unknown[]) => ({ vr: "XX", Value });
const MODALITY = "00080060";
const PIXEL = "00280030";
const IMAGER = "00181164";
const SCANNED = "00182010";
const CALIBRATION_TYPE = "00280A02";
const ASPECT = "00280034";
const REGIONS = {
  "00186011": value({
    "00186012": value(1), // 2D
    "00186018": value(0),
    "0018601A": value(0),
    "0018601C": value(99),
    "0018601E": value(99),
    "00186024": value(3), // cm
    "00186026": value(3),
    "0018602C": value(0.02),
    "0018602E": value(0.03),
  }),
};

/** What a header says, and what the scale bar and a measurement make of it. */
const CASES: readonly (readonly [string, DataSet, string, readonly number[]])[] = [
  ["CT", { [MODALITY]: value("CT"), [PIXEL]: value(0.5, 0.25) }, "patient", [0.5, 0.25]],
  [
    "film",
    { [MODALITY]: value("CR"), [SCANNED]: value(0.2, 0.2) },
    "detector",
    [0.2, 0.2],
  ],
  [
    "plate",
    { [MODALITY]: value("DX"), [IMAGER]: value(0.1, 0.1) },
    "detector",
    [0.1, 0.1],
  ],
  [
    "plate, the same twice",
    { [MODALITY]: value("DX"), [PIXEL]: value(0.1, 0.1), [IMAGER]: value(0.1, 0.1) },
    "detector",
    [0.1, 0.1],
  ],
  [
    "plate, corrected",
    { [MODALITY]: value("DX"), [PIXEL]: value(0.08, 0.08), [IMAGER]: value(0.1, 0.1) },
    "calibrated",
    [0.08, 0.08],
  ],
  [
    "film, corrected",
    { [MODALITY]: value("CR"), [PIXEL]: value(0.18, 0.18), [SCANNED]: value(0.2, 0.2) },
    "calibrated",
    [0.18, 0.18],
  ],
  [
    "a fiducial was seen",
    {
      [MODALITY]: value("CR"),
      [PIXEL]: value(0.2, 0.2),
      [CALIBRATION_TYPE]: value("FIDUCIAL"),
    },
    "calibrated",
    [0.2, 0.2],
  ],
  [
    "unknown",
    { [MODALITY]: value("CR"), [PIXEL]: value(0.2, 0.2) },
    "detector",
    [0.2, 0.2],
  ],
  [
    "ultrasound says it twice",
    { [MODALITY]: value("US"), [PIXEL]: value(9, 9), ...REGIONS },
    "region",
    [0.3, 0.2],
  ],
  ["video", { [MODALITY]: value("XC"), [ASPECT]: value(6, 5) }, "none", [1.2, 1]],
];
/** What the scale bar calls it. */
const KIND: Readonly<Record<string, string>> = {
  patient: "patient",
  calibrated: "patient",
  detector: "detector",
  region: "ultrasound",
  none: "none",
};

test.each(CASES)("%s: measurement and scale bar agree", (_, data, basis, size) => {
  const measured = calibrationOf(pixelSizeOf(data, 1), [
    [10, 10],
    [20, 30],
  ]);
  expect(measured.basis).toBe(basis);
  const { row, column, kind } = spacingOf(data, 1);
  expect(kind).toBe(KIND[basis]);
  for (const [at, wanted] of size.entries()) {
    expect(measured.spacing[at]).toBeCloseTo(wanted, 12);
    expect([row, column][at]).toBeCloseTo(wanted, 12);
  }
});
