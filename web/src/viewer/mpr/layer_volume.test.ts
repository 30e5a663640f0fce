import { expect, test } from "vitest";
import type { Grey } from "~/viewer/layers/contour";
import { volumeOfPictures } from "./layer_volume";
import { evidenceOn, maskOn } from "./plane_layers";
import { planeOf } from "./planes";
import type { Volume } from "./reslice";
import { type Frame, frameOf, regridded } from "./volume";

/** 10 slices of 4 × 4 pixels of 1 mm, 2 mm apart. */
function frame(): Frame {
  const found = frameOf(
    Array.from({ length: 10 }, (_, k) => ({
      rows: 4,
      columns: 4,
      position: [0, 0, 2 * k] as const,
      orientation: [[1, 0, 0], [0, 1, 0]] as const, // biome-ignore format: axes
      spacing: [1, 1] as const,
    })),
  );
  if (typeof found === "string") throw new Error(found);
  return found;
}

const grey = (side: number, values: (at: number) => number): Grey => ({
  rows: side,
  columns: side,
  values: Uint8Array.from({ length: side * side }, (_, at) => values(at)),
});

function here(pictures: readonly (Grey | null)[], kind: "mask" | "evidence"): Volume {
  const found = volumeOfPictures(pictures, frame(), kind);
  if (found.kind !== "here") throw new Error(found.kind);
  return found.volume;
}

test("a coarser grid has the same corners in the patient", () => {
  const coarse = regridded(frame(), 2, 1);
  expect(coarse.spacing).toEqual([2, 4]);
  // Edges at −0.5 and 3.5: centres of two rows at 0.5, of one column at 1.5.
  expect(coarse.origins[3]).toEqual([1.5, 0.5, 6]);
});

test("a mask is cut along its voxels: the nearest slice and pixel decide", () => {
  const pictures = Array.from({ length: 10 }, (_, k) =>
    k === 4 ? grey(4, (at) => (at % 4 === 2 ? 3 : 1)) : null,
  );
  const volume = here(pictures, "mask");
  const plane = planeOf(volume.frame, "coronal", [0, 1, 0]);
  const found = maskOn(volume, 3, plane, [0, 1, 0], 0);
  expect([found.rows, found.columns]).toEqual([18, 4]);
  const rows = new Set<number>();
  found.values.forEach((value, at) => {
    if (!value) return;
    expect(at % 4).toBe(2); // the column of the label
    rows.add(Math.floor(at / 4));
  });
  // Slice 4 lies at z = 8 and reaches from 7 to 9; row r has its centre at z = 17.5 − r.
  expect([...rows].sort((a, b) => a - b)).toEqual([9, 10]);
});

test("a slab shows a label also where a greater one lies before it", () => {
  const pictures = Array.from({ length: 10 }, (_, k) =>
    grey(4, () => (k === 4 ? 1 : k === 5 ? 2 : 0)),
  );
  const volume = here(pictures, "mask");
  const plane = planeOf(volume.frame, "axial", [0, 0, 9]);
  for (const value of [1, 2]) {
    expect([...maskOn(volume, value, plane, [0, 0, 1], 4).values]).toEqual(
      Array.from({ length: 16 }, () => 1),
    );
  }
  expect(maskOn(volume, 1, plane, [0, 0, 1], 0).values).not.toEqual(
    maskOn(volume, 2, plane, [0, 0, 1], 0).values,
  );
});

test("evidence is linear between slices and reaches from edge to edge", () => {
  const pictures = Array.from({ length: 10 }, (_, k) => grey(1, () => 20 * k));
  const volume = here(pictures, "evidence");
  const plane = planeOf(frame(), "axial", [0, 0, 5]); // half between slices 2 and 3
  const found = evidenceOn(volume, plane, [0, 0, 1], 0);
  expect([...found.values]).toEqual(Array.from({ length: 16 }, () => 50));
});

test("pictures that are no volume together are told apart", () => {
  const all = (picture: Grey | null) => Array.from({ length: 10 }, () => picture);
  expect(volumeOfPictures(all(grey(3, () => 1)), frame(), "mask").kind).toBe("misfit");
  expect(volumeOfPictures(all(null), frame(), "mask").kind).toBe("failed");
  const mixed = [...all(grey(2, () => 1)).slice(1), grey(3, () => 1)];
  expect(volumeOfPictures(mixed, frame(), "evidence").kind).toBe("misfit");
});
