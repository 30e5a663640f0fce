/**
 * How long a pixel is, and where that is known from.
 *
 * PS3.3 10.7.1.3: Pixel Spacing of a projection is calibrated to the patient only where
 * Pixel Spacing Calibration Type says so, or where it differs from Imager Pixel Spacing;
 * Imager Pixel Spacing itself is at the detector. Ultrasound: PS3.3 C.8.5.5, regions.
 */

import type { Point } from "./matrix";

/** (row, column) as in Pixel Spacing: distance between rows, then between columns. */
export type Pair = readonly [row: number, column: number];

/** One region of Sequence of Ultrasound Regions (0018,6011), edges inclusive. */
export interface UltrasoundRegion {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  /** Region Spatial Format (0018,6012): 1 is 2D tissue or flow. */
  readonly format: number;
  /** Physical Units X and Y (0018,6024, 6026): 3 is cm. */
  readonly units: readonly [x: number, y: number];
  /** Physical Delta X and Y (0018,602C, 602E), in those units. */
  readonly delta: readonly [x: number, y: number];
}

/** What a header says of the size of pixels. */
export interface PixelSize {
  readonly pixelSpacing: Pair | null;
  readonly imagerPixelSpacing: Pair | null;
  /** FIDUCIAL, GEOMETRY, or "". */
  readonly calibrationType: string;
  /** Vertical and horizontal, 1:1 where nothing is said. */
  readonly pixelAspectRatio: Pair | null;
  readonly regions: readonly UltrasoundRegion[];
  /** Projection radiography, where a pixel has no one size in the patient. */
  readonly isProjection: boolean;
}

/** Where a length is known from. */
export type Basis = "patient" | "detector" | "calibrated" | "region" | "none";

/** The size of a pixel where something is measured. */
export interface Calibration {
  /** mm, or relative sizes where `unit` is "px". */
  readonly spacing: Pair;
  readonly unit: "mm" | "px";
  readonly basis: Basis;
}

const isPositive = (pair: Pair | null): pair is Pair =>
  pair?.every((each) => Number.isFinite(each) && each > 0) ?? false;

/**
 * The calibration that holds for all the points of a shape.
 *
 * @param points in pixels of the image; they choose the region of an ultrasound image.
 */
export function calibrationOf(size: PixelSize, points: readonly Point[]): Calibration {
  if (size.regions.length > 0) return regional(size, points);
  const { pixelSpacing, imagerPixelSpacing, calibrationType } = size;
  if (!size.isProjection && isPositive(pixelSpacing)) {
    return { spacing: pixelSpacing, unit: "mm", basis: "patient" };
  }
  if (isPositive(pixelSpacing)) {
    const isSame =
      isPositive(imagerPixelSpacing) &&
      pixelSpacing.every((v, i) => v === imagerPixelSpacing[i]);
    const isMeant = calibrationType !== "" || (isPositive(imagerPixelSpacing) && !isSame);
    return {
      spacing: pixelSpacing,
      unit: "mm",
      basis: isMeant ? "calibrated" : "detector",
    };
  }
  if (isPositive(imagerPixelSpacing)) {
    return { spacing: imagerPixelSpacing, unit: "mm", basis: "detector" };
  }
  return uncalibrated(size);
}

function uncalibrated({ pixelAspectRatio }: PixelSize): Calibration {
  const [vertical, horizontal] = isPositive(pixelAspectRatio) ? pixelAspectRatio : [1, 1];
  return { spacing: [vertical / horizontal, 1], unit: "px", basis: "none" };
}

const TISSUE = 1;
const CENTIMETRES = 3;

function regional(size: PixelSize, points: readonly Point[]): Calibration {
  const found = size.regions.filter(
    (region) =>
      region.format === TISSUE &&
      region.units.every((unit) => unit === CENTIMETRES) &&
      points.every((point) => isIn(region, point)),
  );
  // Regions may lie upon one another: the smallest is the one that is meant.
  const [region] = found.sort((a, b) => areaOf(a) - areaOf(b));
  const spacing: Pair | null = region
    ? [Math.abs(region.delta[1]) * 10, Math.abs(region.delta[0]) * 10]
    : null;
  if (!isPositive(spacing)) return uncalibrated(size);
  return { spacing, unit: "mm", basis: "region" };
}

function isIn(region: UltrasoundRegion, [x, y]: Point): boolean {
  return (
    x >= region.left && x <= region.right + 1 && y >= region.top && y <= region.bottom + 1
  );
}

function areaOf({ left, top, right, bottom }: UltrasoundRegion): number {
  return (right - left) * (bottom - top);
}
