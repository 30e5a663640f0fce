/** A reading as people read it: "23.4 mm", "Mean 38.2 HU, SD 4.1, …". */

import { number } from "~/core/text/format";
import type { Calibration } from "./calibration";
import type { Point } from "./matrix";
import type { Reading } from "./measure";
import type { OnPlane, Shape, Where } from "./shape";
import { t } from "./texts";

type Said = Pick<Shape, "kind" | "points" | "where">;

/** The lines of a reading, the first is the most important. */
export function linesOf(shape: Said, reading: Reading): string[] {
  return [...figuresOf(shape, reading), ...basisOf(shape, reading.calibration)];
}

/** One line for a list. */
export function textOf(shape: Said, reading: Reading): string {
  return linesOf(shape, reading).join(", ");
}

/**
 * One line for a report: what, size, unit, and where it can be found again.
 *
 * @param series its number, null where it has none.
 */
export function reportLine(shape: Said, reading: Reading, series: number | null): string {
  const where = whereText(shape.where);
  const place = series === null ? where : t("inSeries", { n: series, where });
  const text = textOf(shape, reading);
  return t("reportLine", { kind: t(shape.kind), text, place });
}

/** "image 12", "coronal plane at −31.5 mm". */
export function whereText(where: Where): string {
  return where.kind === "image"
    ? t("onImage", { n: where.index + 1 })
    : t("onPlane", { view: t(where.view), mm: number(where.at, 1) });
}

function figuresOf(shape: Said, reading: Reading): string[] {
  const { calibration, length, angle, area } = reading;
  if (shape.kind === "length") return [sized(length, calibration, "")];
  if (shape.kind === "angle") return [angle === null ? "–" : `${number(angle, 1)}°`];
  if (shape.kind === "probe") return [probed(shape, reading)];
  return [...statisticsOf(reading), sized(area, calibration, "²")];
}

function sized(value: number | null, { unit }: Calibration, power: string): string {
  return value === null ? "–" : `${number(value, value < 1000 ? 1 : 0)} ${unit}${power}`;
}

/** What the figures are worth: the size of a pixel, and values that were made. */
function basisOf({ kind, where }: Said, { basis }: Calibration): string[] {
  if (where.kind === "plane") return resliced(kind, where);
  if (kind === "angle" || kind === "probe") return [];
  if (basis === "detector") return [t("basisDetector")];
  if (basis === "calibrated") return [t("basisCalibrated")];
  if (basis === "none") return [t("basisNone")];
  return [];
}

/** Values of a plane are interpolated; a slab lays what is apart upon one another. */
function resliced(kind: Shape["kind"], { slab }: OnPlane): string[] {
  if (slab > 0) return [t("slab", { mm: slab })];
  return kind === "length" || kind === "angle" ? [] : [t("resliced")];
}

function statisticsOf({ statistics, unit }: Reading): string[] {
  if (!statistics) return [t("colour")];
  if (statistics.n === 0) return [t("noValue")];
  const { mean, sd, min, max, n } = statistics;
  return [
    t("mean", { value: withUnit(mean, unit) }),
    t("sd", { value: number(sd, 1) }),
    t("range", { low: plain(min), high: plain(max) }),
    t("count", { n: number(n) }),
  ];
}

function probed(shape: Said, { value, unit }: Reading): string {
  const at = placeText(shape);
  return value === null
    ? `${t("noValue")} ${at}`
    : `${withUnit(value, unit, true)} ${at}`;
}

/** Column and row of a pixel from 0, or mm of the patient (LPS). */
function placeText({ points, where }: Said): string {
  const [x = 0, y = 0] = points[0] ?? [];
  if (where.kind === "image") return t("at", { x: Math.floor(x), y: Math.floor(y) });
  const [left, back, head] = patientPoint(where, [x, y]).map((mm) => number(mm, 1));
  return t("atMm", { x: left ?? "", y: back ?? "", z: head ?? "" });
}

/** A point of a plane in the patient, mm in LPS; planes are hung with the head up. */
export function patientPoint(
  { view, at }: Pick<OnPlane, "view" | "at">,
  [along, down]: Point,
): readonly [number, number, number] {
  if (view === "axial") return [along, down, at];
  return view === "coronal" ? [along, at, -down] : [at, along, -down];
}

function withUnit(value: number, unit: string, isSingle = false): string {
  const text = isSingle ? plain(value) : number(value, 1);
  return unit ? `${text} ${unit}` : text;
}

/** A stored or rescaled value: no decimals where it has none. */
function plain(value: number): string {
  return number(value, Number.isInteger(value) ? 0 : Math.abs(value) < 1 ? 3 : 1);
}
