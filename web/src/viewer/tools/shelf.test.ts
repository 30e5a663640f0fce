import { beforeEach, expect, test } from "vitest";
import { lang } from "~/core/text/lang";
import type { Calibration } from "./calibration";
import type { Point } from "./matrix";
import { read } from "./measure";
import { linesOf, patientPoint, reportLine, textOf } from "./reading_text";
import type { Kind } from "./shape";
import { type Kept, openShelf } from "./shelf";

const MM: Calibration = { spacing: [0.5, 0.5], unit: "mm", basis: "patient" };
const IMAGE = { rows: 2, columns: 2, at: (index: number) => 10 + 10 * index, unit: "HU" };
const shape = (id: string, kind: Kind, points: Point[], calibration = MM): Kept => ({
  id,
  kind,
  series: "1",
  where: { kind: "image", image: { sop: "1.1", frame: 1 }, index: 3 },
  points,
  reading: read({ kind, points }, calibration, IMAGE),
});

beforeEach(() => {
  lang.value = "en";
});

test("what is measured stands as text with its unit", () => {
  const line = shape("a", "length", [[0, 0], [3, 4]]); // biome-ignore format: points
  expect(textOf(line, line.reading)).toBe("2.5 mm");
  const region = shape("b", "rectangle", [[0, 0], [2, 2]]); // biome-ignore format: points
  expect(linesOf(region, region.reading)).toEqual([
    "Mean 25.0 HU",
    "SD 11.2",
    "10 to 40",
    "n 4",
    "1.0 mm²",
  ]);
  const probe = shape("c", "probe", [[1.2, 0.9]]);
  expect(textOf(probe, probe.reading)).toBe("20 HU (1, 0)");
});

test("what is not calibrated says so", () => {
  const px: Calibration = { spacing: [1, 1], unit: "px", basis: "none" };
  const line = shape("a", "length", [[0, 0], [3, 4]], px); // biome-ignore format: points
  expect(textOf(line, line.reading)).toBe("5.0 px, not calibrated");
  const film: Calibration = { ...MM, basis: "detector" };
  const far = shape("a", "length", [[0, 0], [3, 4]], film); // biome-ignore format: points
  expect(textOf(far, far.reading)).toBe("2.5 mm, at the detector");
});

test("steps go back and forth; a drag is one step", () => {
  const shelf = openShelf(1);
  const first = shape("a", "probe", [[0.5, 0.5]]);
  shelf.put(first);
  shelf.preview(shape("a", "probe", [[0.7, 0.5]]));
  shelf.preview(shape("a", "probe", [[1.2, 0.5]]));
  shelf.put(shape("a", "probe", [[1.5, 0.5]]));
  expect(shelf.shapes.value.map(shelf.textOf)).toEqual(["20 HU (1, 0)"]);
  expect(shelf.undo()).toBe(true);
  expect(shelf.shapes.value).toEqual([first]);
  expect(shelf.undo()).toBe(true);
  expect(shelf.shapes.value).toEqual([]);
  expect(shelf.undo()).toBe(false);
  expect(shelf.redo()).toBe(true);
  expect(shelf.shapes.value).toEqual([first]);
});

test("what is gone is not selected", () => {
  const shelf = openShelf(2);
  shelf.put(shape("a", "probe", [[0.5, 0.5]]));
  shelf.selected.value = "a";
  shelf.remove("a");
  expect(shelf.selected.value).toBeNull();
  expect(shelf.shapes.value).toEqual([]);
  shelf.undo();
  expect(shelf.shapes.value.length).toBe(1);
});

test("the same study gives the same measurements, another none", () => {
  openShelf(3).put(shape("a", "probe", [[0.5, 0.5]]));
  expect(openShelf(3).shapes.value.length).toBe(1);
  expect(openShelf(4).shapes.value.length).toBe(0);
});

test("measurements are told in Chinese, too", () => {
  lang.value = "zh";
  const region = shape("b", "ellipse", [[0, 0], [2, 2]]); // biome-ignore format: points
  expect(linesOf(region, region.reading)[0]).toBe("均值 25.0 HU");
});

test("a line for the report says what, how large and where", () => {
  const line = shape("a", "length", [[0, 0], [3, 4]]); // biome-ignore format: points
  expect(reportLine(line, line.reading, 2)).toBe("Length 2.5 mm (series 2, image 4)");
  expect(reportLine(line, line.reading, null)).toBe("Length 2.5 mm (image 4)");
  const where = { kind: "plane", view: "coronal", at: -31.46, slab: 0 } as const;
  const onPlane = { ...line, where };
  expect(reportLine(onPlane, line.reading, 3)).toBe(
    "Length 2.5 mm (series 3, coronal plane at -31.5 mm)",
  );
  lang.value = "zh";
  expect(reportLine(line, line.reading, 2)).toBe("长度 2.5 mm（序列 2，图像 4）");
});

test("what a length was calibrated by is said", () => {
  const film: Calibration = { ...MM, basis: "calibrated" };
  const line = shape("a", "length", [[0, 0], [3, 4]], film); // biome-ignore format: points
  expect(textOf(line, line.reading)).toBe("2.5 mm, calibrated");
});

test("a point of a plane has its place in the patient, the head up", () => {
  expect(patientPoint({ view: "axial", at: 5 }, [1, 2])).toEqual([1, 2, 5]);
  expect(patientPoint({ view: "coronal", at: 5 }, [1, -2])).toEqual([1, 5, 2]);
  expect(patientPoint({ view: "sagittal", at: 5 }, [1, -2])).toEqual([5, 1, 2]);
});
