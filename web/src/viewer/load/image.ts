/** One image as the viewer needs it: pixels, grey scale, geometry, and what it is. */

import { type Layout, layoutOf, type NoPicture } from "../pixels/layout";
import type { ImageAddress } from "../stage";
import { type DataSet, element, type Keyword, number, numbers, text } from "./dicom_json";
import { type FarLut, type GreySources, greyOf, paletteOf } from "./grey";
import { placeOf } from "./groups";
import { type OverlayPlane, overlayPlanesOf } from "./overlay_planes";
import { type Spacing, spacingOf } from "./spacing";

export type Vector = readonly [number, number, number];

/** Unit vectors of growing columns and of growing rows in the patient (LPS). */
export interface Plane {
  readonly alongRow: Vector;
  readonly alongColumn: Vector;
  readonly normal: Vector;
  /** Centre of the first pixel, mm; null where it is not said. */
  readonly position: Vector | null;
}

/** An image of a series: an instance, or a frame of one. */
export interface ImageInfo {
  readonly address: ImageAddress;
  /** UIDs of what it lies in, for its addresses. */
  readonly study: string;
  readonly series: string;
  readonly data: DataSet;
  /** A word that says why there is no picture. */
  readonly layout: Layout | NoPicture;
  readonly transferSyntax: string;
  readonly frames: number;
  readonly instanceNumber: number | null;
  readonly spacing: Spacing;
  readonly plane: Plane | null;
  /** Words of Patient Orientation, towards the right and towards the bottom. */
  readonly patientOrientation: readonly [string, string] | null;
  readonly grey: GreySources;
  readonly palette: readonly [FarLut, FarLut, FarLut] | null;
  readonly isSegmentedPalette: boolean;
  /** Of the whole instance; `overlaysOn` tells those of a frame. */
  readonly overlays: readonly OverlayPlane[];
  readonly laterality: string;
  /** Compression ratio where something was lost, 0 where it is not known; null: none. */
  readonly lossy: number | null;
  /** Milliseconds from one frame to the next. */
  readonly frameTime: number | null;
}

/** All images of an instance, by frame. */
export function imagesOf(data: DataSet): readonly ImageInfo[] {
  const frames = Math.min(
    Math.max(1, Math.trunc(number(data, "NumberOfFrames") ?? 1)),
    100_000,
  );
  const layout = layoutOf(data);
  const transferSyntax = text(data, "AvailableTransferSyntaxUID");
  const overlays =
    typeof layout === "string"
      ? []
      : overlayPlanesOf(data, { ...layout, frames, transferSyntax });
  return Array.from({ length: typeof layout === "string" ? 1 : frames }, (_, index) =>
    imageOf(data, index + 1, { frames, layout, transferSyntax, overlays }),
  );
}

function imageOf(
  data: DataSet,
  frame: number,
  of: Pick<ImageInfo, "frames" | "layout" | "transferSyntax" | "overlays">,
): ImageInfo {
  const { palette, isSegmented } = paletteOf(data);
  return {
    address: { sop: text(data, "SOPInstanceUID"), frame },
    study: text(data, "StudyInstanceUID"),
    series: text(data, "SeriesInstanceUID"),
    data,
    ...of,
    instanceNumber: number(data, "InstanceNumber"),
    spacing: spacingOf(data, frame),
    plane: planeOf(data, frame),
    patientOrientation: orientationWords(data),
    grey: greyOf(data, frame, of.layout),
    palette,
    isSegmentedPalette: isSegmented,
    laterality: lateralityOf(data, frame),
    lossy: lossyOf(data),
    frameTime: frameTimeOf(data),
  };
}

/** Orientation and position of a frame, null where they make no plane. */
export function planeOf(data: DataSet, frame: number): Plane | null {
  const oriented = placeOf(
    data,
    frame,
    "PlaneOrientationSequence",
    "ImageOrientationPatient",
  );
  const [a, b, c, d, e, f] = numbers(oriented, "ImageOrientationPatient");
  if (a === undefined || b === undefined || c === undefined) return null;
  if (d === undefined || e === undefined || f === undefined) return null;
  const [alongRow, alongColumn] = [unit([a, b, c]), unit([d, e, f])];
  if (!alongRow || !alongColumn) return null;
  const normal = unit(cross(alongRow, alongColumn));
  if (!normal || Math.abs(dot(alongRow, alongColumn)) > 0.01) return null;
  const placed = placeOf(data, frame, "PlanePositionSequence", "ImagePositionPatient");
  const [x, y, z] = numbers(placed, "ImagePositionPatient");
  const isPlaced = x !== undefined && y !== undefined && z !== undefined;
  return { alongRow, alongColumn, normal, position: isPlaced ? [x, y, z] : null };
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector, b: Vector): Vector {
  return [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0],
  ];
}

function unit(v: Vector): Vector | null {
  const length = Math.sqrt(dot(v, v));
  return length > 1e-6 ? [v[0] / length, v[1] / length, v[2] / length] : null;
}

function orientationWords(data: DataSet): readonly [string, string] | null {
  const value = element(data, "PatientOrientation")?.Value ?? [];
  const [right, down] = value.map((each) =>
    typeof each === "string" ? each.trim() : "",
  );
  return right && down ? [right, down] : null;
}

function lateralityOf(data: DataSet, frame: number): string {
  const place = placeOf(data, frame, "FrameAnatomySequence", "FrameLaterality");
  return (
    text(place, "FrameLaterality") ||
    text(data, "ImageLaterality") ||
    text(data, "Laterality")
  );
}

function lossyOf(data: DataSet): number | null {
  if (text(data, "LossyImageCompression") !== "01") return null;
  const ratios = numbers(data, "LossyImageCompressionRatio");
  return ratios.reduce((whole, each) => whole * Math.max(each, 1), 1) > 1
    ? ratios.reduce((whole, each) => whole * Math.max(each, 1), 1)
    : 0;
}

/** Between 1 and 200 frames a second; null where nothing sensible is said. */
function frameTimeOf(data: DataSet): number | null {
  const perSecond = (keyword: Keyword) => {
    const rate = number(data, keyword);
    return rate ? 1000 / rate : null;
  };
  const vector = numbers(data, "FrameTimeVector").slice(1);
  const mean = vector.reduce((sum, each) => sum + each, 0) / Math.max(vector.length, 1);
  const found = [
    perSecond("RecommendedDisplayFrameRate"),
    number(data, "FrameTime"),
    mean || null,
    perSecond("CineRate"),
  ].find((time) => time !== null && time >= 5 && time <= 10_000);
  return found ?? null;
}

/** Position along the normal, mm; null without geometry. */
export function depthOf(image: ImageInfo): number | null {
  const { plane } = image;
  return plane?.position ? dot(plane.position, plane.normal) : null;
}
