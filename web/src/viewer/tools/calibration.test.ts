import { expect, test } from "vitest";
import { calibrationOf, type PixelSize, type UltrasoundRegion } from "./calibration";

const NOTHING: PixelSize = {
  pixelSpacing: null,
  imagerPixelSpacing: null,
  calibrationType: "",
  pixelAspectRatio: null,
  regions: [],
  isProjection: false,
};
const basis = (said: Partial<PixelSize>) =>
  calibrationOf({ ...NOTHING, ...said }, []).basis;

test("a slice's Pixel Spacing is in the patient", () => {
  expect(calibrationOf({ ...NOTHING, pixelSpacing: [0.5, 0.25] }, [])).toEqual({
    spacing: [0.5, 0.25],
    unit: "mm",
    basis: "patient",
  });
});

test("a projection is at the detector unless it was calibrated", () => {
  const film = { isProjection: true, imagerPixelSpacing: [0.2, 0.2] as const };
  expect(basis(film)).toBe("detector");
  expect(basis({ ...film, pixelSpacing: [0.2, 0.2] })).toBe("detector");
  expect(basis({ ...film, pixelSpacing: [0.17, 0.17] })).toBe("calibrated");
  expect(basis({ ...film, pixelSpacing: [0.2, 0.2], calibrationType: "FIDUCIAL" })).toBe(
    "calibrated",
  );
  expect(basis({ isProjection: true, pixelSpacing: [0.2, 0.2] })).toBe("detector");
});

test("without sizes lengths are in pixels, the aspect ratio still holds", () => {
  expect(calibrationOf(NOTHING, [])).toEqual({
    spacing: [1, 1],
    unit: "px",
    basis: "none",
  });
  const tall = calibrationOf({ ...NOTHING, pixelAspectRatio: [6, 5] }, []);
  expect(tall.spacing).toEqual([1.2, 1]);
  expect(basis({ pixelSpacing: [0, 0] })).toBe("none");
});

const REGION: UltrasoundRegion = {
  left: 100,
  top: 50,
  right: 299,
  bottom: 249, // biome-ignore format: a rectangle
  format: 1,
  units: [3, 3],
  delta: [0.02, -0.03],
};

test("in an ultrasound region a pixel has its own size, in cm", () => {
  const us = { ...NOTHING, pixelSpacing: [9, 9] as const, regions: [REGION] };
  expect(
    calibrationOf(us, [
      [100, 50],
      [300, 250],
    ]),
  ).toMatchObject({ unit: "mm", basis: "region" });
  const [row, column] = calibrationOf(us, [[120, 60]]).spacing;
  expect(row).toBeCloseTo(0.3, 12);
  expect(column).toBeCloseTo(0.2, 12);
  expect(
    calibrationOf(us, [
      [99, 60],
      [120, 60],
    ]).unit,
  ).toBe("px");
});

test("a spectrum is no tissue, and of two regions the inner one counts", () => {
  const spectrum = { ...REGION, format: 3 };
  const doppler = { ...NOTHING, regions: [spectrum] };
  expect(calibrationOf(doppler, [[120, 60]]).unit).toBe("px");
  const inner = { ...REGION, right: 199, delta: [0.05, 0.05] as const };
  const both = calibrationOf({ ...NOTHING, regions: [REGION, inner] }, [[120, 60]]);
  expect(both.spacing[0]).toBeCloseTo(0.5, 12);
});
