import { expect, test } from "vitest";
import { paintMask, paintSupport, rgbOf, supportAlpha, supportColour } from "./colour";

const lightness = ([r, g, b]: readonly number[]) =>
  0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);

test("support grows lighter without a step back, so that it reads without colour", () => {
  const scale = Array.from({ length: 101 }, (_, at) =>
    lightness(supportColour(at / 100)),
  );
  expect(scale.every((value, at) => at === 0 || value >= (scale[at - 1] ?? 0))).toBe(
    true,
  );
  expect((scale[100] ?? 0) - (scale[0] ?? 0)).toBeGreaterThan(200);
});

test("where there is no support the image is untouched, little hides little", () => {
  expect(supportAlpha(0)).toBe(0);
  expect(supportAlpha(0.25)).toBe(0);
  expect(supportAlpha(0.625)).toBe(0.5);
  expect(supportAlpha(1)).toBe(1);
});

test("a slice of little support does not look like one of much", () => {
  const target = new Uint8ClampedArray(8);
  paintSupport({ rows: 1, columns: 2, values: Uint8Array.of(0, 255) }, target);
  expect([...target]).toEqual([22, 11, 57, 0, 252, 255, 164, 255]);
  paintSupport({ rows: 1, columns: 2, values: Uint8Array.of(51, 128) }, target);
  expect(target[3]).toBe(0); // a fifth of the strongest
  expect(target[7]).toBe(86); // (128 / 255 - 0.25) / 0.75 of 255
});

test("only the pixels of the mask's value are coloured", () => {
  const target = new Uint8ClampedArray(12);
  paintMask([0, 1, 2], 2, [9, 8, 7], target);
  expect([target[3], target[7], target[11]]).toEqual([0, 0, 255]);
  expect([...target.subarray(8, 11)]).toEqual([9, 8, 7]);
});

test("colours of the style sheet", () => {
  expect(rgbOf(" #ffb000")).toEqual([255, 176, 0]);
  expect(rgbOf("var(--x)")).toEqual([255, 255, 255]);
});
