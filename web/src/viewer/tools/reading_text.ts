/** A reading as people read it: "23.4 mm", "Mean 38.2 HU, SD 4.1, …". */

import { number } from "~/core/text/format";
import type { Calibration } from "./calibration";
import type { Reading } from "./measure";
import type { Shape } from "./shape";
import { t } from "./texts";

/** The lines of a reading, the first is the most important. */
export function linesOf(
  shape: Pick<Shape, "kind" | "points">,
  reading: Reading,
): string[] {
  const { calibration } = reading;
  if (shape.kind === "length") {
    return [sized(reading.length, calibration, ""), ...basisOf(calibration)];
  }
  if (shape.kind === "angle") {
    return [reading.angle === null ? "–" : `${number(reading.angle, 1)}°`];
  }
  if (shape.kind === "probe") return [probed(shape, reading)];
  return [
    ...statisticsOf(reading),
    sized(reading.area, calibration, "²"),
    ...basisOf(calibration),
  ];
}

/** One line for a list or a report. */
export function textOf(shape: Pick<Shape, "kind" | "points">, reading: Reading): string {
  return linesOf(shape, reading).join(", ");
}

function sized(value: number | null, { unit }: Calibration, power: string): string {
  return value === null ? "–" : `${number(value, value < 1000 ? 1 : 0)} ${unit}${power}`;
}

function basisOf({ basis }: Calibration): string[] {
  if (basis === "detector") return [t("basisDetector")];
  if (basis === "none") return [t("basisNone")];
  return [];
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

function probed({ points }: Pick<Shape, "points">, { value, unit }: Reading): string {
  const [x = 0, y = 0] = points[0] ?? [];
  const at = t("at", { x: Math.floor(x), y: Math.floor(y) });
  return value === null
    ? `${t("noValue")} ${at}`
    : `${withUnit(value, unit, true)} ${at}`;
}

function withUnit(value: number, unit: string, isSingle = false): string {
  const text = isSingle ? plain(value) : number(value, 1);
  return unit ? `${text} ${unit}` : text;
}

/** A stored or rescaled value: no decimals where it has none. */
function plain(value: number): string {
  return number(value, Number.isInteger(value) ? 0 : Math.abs(value) < 1 ? 3 : 1);
}
