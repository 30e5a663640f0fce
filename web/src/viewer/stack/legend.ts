/** What stands on an image, as lines of text: who, what, and how it is shown. */

import { ageAt, day, number as numberText, personName } from "~/core/text/format";
import { isoDate, number, person, text } from "../load/dicom_json";
import { depthOf, type ImageInfo } from "../load/image";
import type { Voi } from "../pixels/voi";
import { t } from "../texts";

const SEXES = ["M", "F", "O"] as const;

/** Who: name; ID; birth, sex and age. Never empty: that something is missing is said. */
export function patientLines({ data }: ImageInfo): readonly string[] {
  const name = personName(person(data, "PatientName"));
  const id = text(data, "PatientID");
  return [name || t("noName"), id ? t("id", { id }) : t("noId"), lifeLine(data)].filter(
    Boolean,
  );
}

function lifeLine(data: ImageInfo["data"]): string {
  const [birth, study] = [isoDate(data, "PatientBirthDate"), isoDate(data, "StudyDate")];
  const sex = SEXES.find((each) => each === text(data, "PatientSex"));
  const age = ageAt(birth, study);
  const stated = /^0*(\d+)([DWMY])$/.exec(text(data, "PatientAge"));
  const years = age || (stated?.[2] === "Y" ? stated[1] : "");
  return [
    birth ? t("born", { date: day(birth) }) : "",
    sex ? t(sex) : "",
    years ? t("years", { n: years }) : (stated?.[0] ?? ""),
  ]
    .filter(Boolean)
    .join(", ");
}

/** What: study and date; series; modality, side and view. */
export function seriesLines(image: ImageInfo): readonly string[] {
  const { data } = image;
  const when = [day(isoDate(data, "StudyDate")), clock(text(data, "StudyTime"))];
  const kind = [text(data, "Modality"), text(data, "ViewPosition"), side(image)];
  return [
    [when.filter(Boolean).join(" "), text(data, "StudyDescription")],
    [kind.filter(Boolean).join(" "), seriesName(image)],
  ]
    .map((line) => line.filter(Boolean).join(" · "))
    .filter(Boolean);
}

/** The series by its description, else by its number. */
export function seriesName({ data }: ImageInfo): string {
  const n = number(data, "SeriesNumber");
  return text(data, "SeriesDescription") || (n === null ? "" : t("seriesN", { n }));
}

function side({ laterality }: ImageInfo): string {
  if (!/^[LRB]$/.test(laterality)) return ""; // U: of an organ that has no sides
  return t(`laterality${laterality as "L" | "R" | "B"}`);
}

/** "142530" → "14:25". */
function clock(time: string): string {
  const found = /^(\d{2}):?(\d{2})/.exec(time);
  return found ? `${found[1]}:${found[2]}` : "";
}

/** Where in the stack: number, frame, position along the normal. */
export function placeLine(image: ImageInfo, index: number, count: number): string {
  const depth = depthOf(image);
  const { frame } = image.address;
  return [
    t("sliceOf", { n: index + 1, m: count }),
    image.frames > 1 && count !== image.frames
      ? t("frameOf", { n: frame, m: image.frames })
      : "",
    depth === null ? "" : t("sliceAt", { mm: numberText(depth, 1) }),
  ]
    .filter(Boolean)
    .join(" ");
}

/** The window, as short as it can be said without loss. */
export function windowLine(voi: Voi, isColour: boolean, isInverted: boolean): string {
  return [windowText(voi, isColour), isInverted ? t("inverted") : ""]
    .filter(Boolean)
    .join(", ");
}

function windowText(voi: Voi, isColour: boolean): string {
  if (voi.kind === "table") {
    return voi.label ? t("tableNamed", { name: voi.label }) : t("table");
  }
  if (isColour && voi.center === 127.5 && voi.width === 255) return t("asStored");
  const how = voi.function === "SIGMOID" ? ` (${t("sigmoid")})` : "";
  return t("window", { center: tidy(voi.center), width: tidy(voi.width) }) + how;
}

/** Whole numbers from 10 on, else three figures. */
export function tidy(value: number): string {
  return Math.abs(value) >= 10
    ? String(Math.round(value))
    : String(Number(value.toPrecision(3)));
}

/** What a reader must know of the pixels: compression, calibration, orientation. */
export function warningLines(image: ImageInfo, hasEdges: boolean): readonly string[] {
  const { kind } = image.spacing;
  return [
    image.lossy === null
      ? ""
      : image.lossy > 1
        ? t("lossyRatio", { ratio: tidy(image.lossy) })
        : t("lossy"),
    kind === "none" ? t("notCalibrated") : kind === "detector" ? t("atDetector") : "",
    hasEdges ? "" : t("noOrientation"),
  ].filter(Boolean);
}
