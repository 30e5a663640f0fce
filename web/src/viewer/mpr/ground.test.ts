import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import type { ImageInfo } from "~/viewer/load/image";
import type { Pane } from "~/viewer/stack/pane_state";
import type { Ground } from "~/viewer/tools/ground";
import { measured } from "~/viewer/tools/kit";
import { textOf } from "~/viewer/tools/reading_text";
import type { Kind, Shape } from "~/viewer/tools/shape";
import { goToMeasured, goToPlane, groundsOf } from "./ground";
import { createPlanes, goToSlice, type Planes } from "./state";
import { frameOf, type SlicePlace } from "./volume";

/** 10 slices 4 mm apart, rows 2 mm and columns 1 mm apart; HU = 100 × slice + column. */
function planesOf(padded: readonly number[] = []): Planes {
  const places = Array.from(
    { length: 10 },
    (_, k): SlicePlace => ({
      rows: 6,
      columns: 8,
      position: [0, 0, 4 * k],
      orientation: [[1, 0, 0], [0, 1, 0]], // biome-ignore format: axes
      spacing: [2, 1],
    }),
  );
  const frame = frameOf(places);
  if (typeof frame === "string") throw new Error(frame);
  const slices = places.map((_, k) =>
    Float32Array.from({ length: 48 }, (_, at) => 100 * k + (at % 8)),
  );
  const known = places.map((_, k) => new Uint8Array(48).fill(padded.includes(k) ? 0 : 1));
  const images = places.map((_, k) => ({
    series: "1.2",
    address: { sop: `1.${k}`, frame: 1 },
  }));
  return createPlanes(
    { frame, slices, known: padded.length > 0 ? known : undefined },
    images as unknown as readonly ImageInfo[],
  );
}

const pane = {
  series: signal({ series_uid: "1.2" }),
  study: signal({ id: 7 }),
  shown: signal({ picture: { kind: "grey", modality: { unit: "HU" } } }),
} as unknown as Pane;

function groundOn(planes: Planes, view: string): Ground {
  const found = [...groundsOf(pane, planes)].find(([of]) => of.view === view);
  if (!found) throw new Error(view);
  return found[1];
}

function shapeOn(ground: Ground, kind: Kind, points: Shape["points"]): Shape {
  const spot = ground.spot();
  if (!spot) throw new Error("no spot");
  return { id: "a", kind, ...spot, points };
}

test("a length on any plane is that of the patient, whatever the spacing", () => {
  const planes = planesOf();
  for (const view of ["axial", "coronal", "sagittal"]) {
    const ground = groundOn(planes, view);
    const line = shapeOn(ground, "length", [[1, 2], [4, 6]]); // biome-ignore format: mm
    expect(measured(ground, line).reading.length).toBeCloseTo(5, 9);
  }
});

test("points in mm lie where the patient's are: columns along x, slices towards the head", () => {
  const planes = planesOf();
  const coronal = groundOn(planes, "coronal");
  // The box of the volume begins half a column before x = 0; its first slice has z = 0,
  // its last z = 36, and planes end there; a plane's pixel is 1 mm.
  expect(coronal.seen({ points: [[-0.5, -36], [3.5, 0]] })).toEqual([[0, 0], [4, 36]]); // biome-ignore format: points
  expect(coronal.kept([[0, 0], [4, 36]])).toEqual([[-0.5, -36], [3.5, 0]]); // biome-ignore format: points
});

test("statistics of a region are of the interpolated values, and say so", () => {
  const planes = planesOf();
  goToPlane(planes, "axial", 6); // half between slices 1 and 2: 150 + column
  const axial = groundOn(planes, "axial");
  // Columns 2 to 5, centres at x = 2 … 5: 152, 153, 154, 155 in each of 4 rows of 1 mm.
  const box = shapeOn(axial, "rectangle", [[1.5, 0], [5.5, 4]]); // biome-ignore format: mm
  const { reading } = measured(axial, box);
  expect(reading.statistics).toMatchObject({ n: 16, mean: 153.5, min: 152, max: 155 });
  expect(reading.area).toBe(16);
  expect(textOf(box, reading)).toBe(
    "Mean 153.5 HU, SD 1.1, 152 to 155, n 16, 16.0 mm², interpolated values",
  );
});

test("a probe tells the place in the patient", () => {
  const planes = planesOf();
  goToPlane(planes, "coronal", 3);
  const coronal = groundOn(planes, "coronal");
  const spot = shapeOn(coronal, "probe", [[2, -10]]);
  // Its pixel has its centre at z = 9.5: 3/8 of the way from slice 2 to slice 3.
  const text = textOf(spot, measured(coronal, spot).reading);
  expect(text).toMatch(
    /^2(39\.5|64\.5) HU \(2\.0, 3\.0, 10\.0 mm\), interpolated values$/,
  );
});

test("a slab says so, with every figure", () => {
  const planes = planesOf();
  planes.thickness.value = 10;
  const axial = groundOn(planes, "axial");
  const line = shapeOn(axial, "length", [[0, 0], [3, 4]]); // biome-ignore format: mm
  expect(textOf(line, measured(axial, line).reading)).toBe("5.0 mm, in a MIP of 10 mm");
});

test("where padding had a share there is no value", () => {
  const planes = planesOf([2]);
  const axial = groundOn(planes, "axial");
  const region = shapeOn(axial, "rectangle", [[0, 0], [4, 4]]); // biome-ignore format: mm
  goToPlane(planes, "axial", 6); // half of it would be slice 2
  expect(measured(axial, region).reading.statistics?.n).toBe(0);
  goToPlane(planes, "axial", 4); // slice 1 itself
  expect(measured(axial, region).reading.statistics).toMatchObject({ n: 16, min: 100 });
});

test("a shape is seen on its plane and on no other", () => {
  const planes = planesOf();
  goToPlane(planes, "axial", 12);
  const axial = groundOn(planes, "axial");
  const line = shapeOn(axial, "length", [[0, 0], [3, 4]]); // biome-ignore format: mm
  expect(axial.holds(line)).toBe(true);
  expect(groundOn(planes, "coronal").holds(line)).toBe(false);
  expect(axial.holds({ ...line, series: "1.3" })).toBe(false);
  goToPlane(planes, "axial", 13.1); // planes are 1 mm apart
  expect(axial.holds(line)).toBe(false);
});

test("a slice is found among the images that the volume is made of", () => {
  const planes = planesOf();
  expect(goToSlice(planes, "1.3#1")).toBe(true);
  expect(planes.point.peek()[2]).toBe(12);
  expect(goToSlice(planes, "1.99#1")).toBe(false);
  expect(planes.point.peek()[2]).toBe(12);
});

test("a measurement of another series moves no plane of this one", () => {
  const planes = planesOf();
  const where = { kind: "plane", view: "axial", at: 9, slab: 5 } as const;
  expect(goToMeasured(planes, { series: "1.9", where })).toBe(false);
  expect(planes.thickness.peek()).toBe(0);
  expect(goToMeasured(planes, { series: "1.2", where })).toBe(true);
  expect([planes.thickness.peek(), planes.point.peek()[2]]).toEqual([5, 9]);
});
