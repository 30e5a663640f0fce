import { expect, test } from "vitest";
import { atStep, middleOf, planeOf, pointOn, seenOn, stepsOf } from "./planes";
import { probe, reslice, slab } from "./reslice";
import type { Vector } from "./vector";
import { bytesOf, extentOf, type Frame, frameOf, type SlicePlace } from "./volume";

const FLAT: readonly [Vector, Vector] = [[1, 0, 0], [0, 1, 0]]; // biome-ignore format: axes
const slice = (z: number, said: Partial<SlicePlace> = {}): SlicePlace => ({
  rows: 6,
  columns: 8,
  position: [-4, -3, z],
  orientation: FLAT,
  spacing: [1, 1],
  ...said,
});
const stack = (count: number, gap = 2) =>
  Array.from({ length: count }, (_, k) => slice(k * gap));
const frame = (slices: readonly SlicePlace[]): Frame => {
  const found = frameOf(slices);
  if (typeof found === "string") throw new Error(found);
  return found;
};

test("slices are sorted along their normal, whatever order they came in", () => {
  const found = frame(stack(10).reverse());
  expect(found.depths).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  expect(found.order[0]).toBe(9);
  expect(found).toMatchObject({ gaps: [2, 2], tilt: 0, isUneven: false });
});

test("what is no volume is refused with its reason", () => {
  expect(frameOf(stack(9))).toBe("few");
  expect(frameOf([...stack(10), null])).toBe("geometry");
  expect(frameOf([...stack(10), slice(99, { rows: 7 })])).toBe("sizes");
  expect(frameOf([...stack(10), slice(18)])).toBe("positions");
  expect(frameOf([...stack(10), slice(99, { spacing: [2, 1] })])).toBe("spacings");
  const turned = slice(99, { orientation: [[0, 1, 0], [-1, 0, 0]] }); // biome-ignore format: axes
  expect(frameOf([...stack(10), turned])).toBe("orientations");
  const mirrored = slice(99, { orientation: [[-1, 0, 0], [0, -1, 0]] }); // biome-ignore format: axes
  expect(frameOf([...stack(10), mirrored])).toBe("orientations");
  expect(
    frameOf(Array.from({ length: 10 }, (_, k) => slice(k, { spacing: [0, 1] }))),
  ).toBe("geometry");
});

test("uneven gaps and a tilted gantry are told", () => {
  const uneven = frame([...stack(10), slice(25)]);
  expect(uneven).toMatchObject({ isUneven: true, gaps: [2, 7] });
  const lean = Array.from({ length: 10 }, (_, k) =>
    slice(k, { position: [-4, -3 + k, k] }),
  );
  expect(frame(lean).tilt).toBeCloseTo(45, 6);
});

test("the box around a volume has whole pixels", () => {
  expect(extentOf(frame(stack(10)))).toEqual([[-4.5, -3.5, 0], [3.5, 2.5, 18]]); // biome-ignore format: corners
  expect(bytesOf(frame(stack(10)), 4)).toBe(6 * 8 * 10 * 4);
});

/** value = 100 z + 10 y + x: linear, so that interpolation must give it exactly. */
const filled = (slices: readonly SlicePlace[]) => {
  const found = frame(slices);
  const values = found.origins.map(([x0, y0, z0]) =>
    Float32Array.from({ length: 48 }, (_, at) => {
      const [row, column] = [Math.floor(at / 8), at % 8];
      return 100 * z0 + 10 * (y0 + row) + (x0 + column);
    }),
  );
  return { frame: found, slices: values };
};

test("a coronal plane of a linear volume has the patient's own values", () => {
  const volume = filled([...stack(10), slice(25)]); // uneven, too
  const plane = planeOf(volume.frame, "coronal", [0, 0.25, 0]);
  expect([plane.rows, plane.columns]).toEqual([25, 8]);
  const found = reslice(volume, plane);
  for (const [row, column] of [[0, 0], [3, 5], [20, 7]] as const) {
    const [x, y, z] = pointOn(plane, [column + 0.5, row + 0.5]);
    expect(y).toBe(0.25);
    expect(found[row * 8 + column]).toBeCloseTo(100 * z + 10 * y + x, 3);
  } // biome-ignore format: places
  expect(pointOn(plane, [0.5, 0.5])[2]).toBe(24.5); // the head is above
});

test("a tilted volume is sheared back: its values stay where they are in the patient", () => {
  const lean = Array.from({ length: 10 }, (_, k) =>
    slice(2 * k, { position: [-4, -3 + k, 2 * k] }),
  );
  const volume = filled(lean);
  const plane = planeOf(volume.frame, "sagittal", [0.5, 0, 0]);
  const found = reslice(volume, plane);
  const [column, row] = seenOn(plane, [0.5, 2, 9]).map(Math.floor);
  const [x, y, z] = pointOn(plane, [(column ?? 0) + 0.5, (row ?? 0) + 0.5]);
  expect(found[(row ?? 0) * plane.columns + (column ?? 0)]).toBeCloseTo(
    100 * z + 10 * y + x,
    3,
  );
  // At the foot of the stack its upper rows are not there yet.
  const [c2, r2] = seenOn(plane, [0.5, 10, 1]).map(Math.floor);
  expect(found[(r2 ?? 0) * plane.columns + (c2 ?? 0)]).toBeNaN();
});

test("outside is no value; half a gap beyond the ends is the end's", () => {
  const volume = filled(stack(10));
  expect(probe(volume, [0, 0, -1.1])).toBeNaN();
  expect(probe(volume, [0, 0, -0.9])).toBe(0);
  expect(probe(volume, [9, 0, 4])).toBeNaN();
  expect(probe(volume, [-4, -3, 5])).toBe(100 * 5 - 30 - 4);
});

test("a slab keeps the brightest of its planes", () => {
  const volume = filled(stack(10));
  const plane = planeOf(volume.frame, "axial", [0, 0, 10]);
  const found = slab(volume, plane, [0, 0, 1], 4);
  // Planes at 8.5, 9.5, 10.5 and 11.5 mm: the last is the brightest.
  expect(found[0]).toBeCloseTo(100 * 11.5 + 10 * -3 - 4, 3);
});

test("seen and pointed at are one another's way back", () => {
  const plane = planeOf(frame(stack(10)), "sagittal", [1, 0, 0]);
  expect(pointOn(plane, seenOn(plane, [1, 0.3, 7]))).toEqual([1, expect.closeTo(0.3, 9), expect.closeTo(7, 9)]); // biome-ignore format: a point
});

test("steps of a view go through the whole volume", () => {
  const found = frame(stack(10));
  const middle = middleOf(found);
  expect(stepsOf(found, "axial", middle)).toEqual({ at: 9, count: 18 });
  const next = atStep(found, "axial", middle, 0);
  expect(next[2]).toBe(0.5);
  expect(stepsOf(found, "axial", next).at).toBe(0);
});
