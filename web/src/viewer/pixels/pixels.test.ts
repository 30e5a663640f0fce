import { expect, test } from "vitest";
import { toRgb } from "./colour";
import type { Layout } from "./layout";
import { layoutOf } from "./layout";
import { expandSegments, lookUp, lutOf } from "./lut";
import { paint } from "./paint";
import { greyPicture, palettePicture, valueAt } from "./picture";
import { ShortFrameError, unpack } from "./unpack";
import { fullRange, shader, spanOf, type Voi, windowOf } from "./voi";

function layout(changes: Partial<Layout> = {}): Layout {
  return {
    rows: 1,
    columns: 4,
    samples: 1,
    photometric: "MONOCHROME2",
    bitsAllocated: 16,
    bitsStored: 12,
    highBit: 11,
    isSigned: false,
    isPlanar: false,
    isFloat: false,
    ...changes,
  };
}

const words = (...values: number[]) => Uint16Array.from(values).buffer;
const octets = (...values: number[]) => Uint8Array.from(values).buffer;

test("LINEAR by hand (PS3.3 C.11.2.1.2.1, the example of the standard)", () => {
  // c = 2048, w = 4096: x <= 0 gives 0, x > 4095 gives all, in between x / 4095.
  const shade = shader(windowOf(2048, 4096));
  expect(shade(-1)).toBe(0);
  expect(shade(0)).toBe(0);
  expect(shade(4095)).toBeCloseTo(1, 12);
  expect(shade(1000)).toBeCloseTo(1000 / 4095, 12);
  // w = 1 is a threshold: c - 0.5 and below are black.
  const threshold = shader(windowOf(100, 1));
  expect([threshold(99.5), threshold(99.6)]).toEqual([0, 1]);
});

test("LINEAR_EXACT and SIGMOID by hand (C.11.2.1.3)", () => {
  const exact = shader(windowOf(40, 80, "LINEAR_EXACT"));
  expect([exact(0), exact(40), exact(80), exact(200)]).toEqual([0, 0.5, 1, 1]);
  const sigmoid = shader(windowOf(40, 80, "SIGMOID"));
  expect(sigmoid(40)).toBe(0.5);
  expect(sigmoid(80)).toBeCloseTo(1 / (1 + Math.exp(-2)), 12);
});

test("the span of a window is where its shades begin and end", () => {
  expect(spanOf(windowOf(2048, 4096))).toEqual([0, 4095]);
  expect(spanOf(windowOf(40, 80, "LINEAR_EXACT"))).toEqual([0, 80]);
});

test("tables take the nearest entry outside, and their depth is white", () => {
  const lut = lutOf({ descriptor: [3, 10, 8], data: [0, 100, 255] });
  if (!lut) throw new Error("no table");
  expect([0, 10, 11, 12, 99].map((value) => lookUp(lut, value))).toEqual([
    0, 0, 100, 255, 255,
  ]);
  const shade = shader({ kind: "table", lut, label: "" });
  expect(shade(11)).toBeCloseTo(100 / 255, 12);
});

test("descriptors: 0 entries are 65,536, a first value may be signed", () => {
  const all = lutOf({ descriptor: [0, 0, 16], data: new Uint8Array(131_072) });
  expect(all?.entries.length).toBe(65_536);
  const signed = lutOf({ descriptor: [1, 65_535, 8], data: [7] }, -2048);
  expect(signed?.first).toBe(-1);
  expect(lutOf({ descriptor: [3, 0, 8], data: [1, 2] })).toBeNull();
  expect(lutOf({ descriptor: [1, 0, 17], data: [1] })).toBeNull();
});

test("segmented tables (C.7.9.2): discrete, linear, copied", () => {
  // 0,2: 0 10 | 1,2: to 30 | 2,1: the first segment once more.
  const bytes = Uint8Array.of(0, 2, 0, 10, 1, 2, 30, 2, 1, 0, 0, 0, 0);
  expect([...(expandSegments(bytes, 8, 6) ?? [])]).toEqual([0, 10, 20, 30, 0, 10]);
  expect(expandSegments(bytes, 8, 7)).toBeNull();
});

test("a segment that copies a copy ends instead of going round for ever", () => {
  expect(expandSegments(Uint8Array.of(2, 9, 0, 0, 0, 0), 8, 4)).toBeNull();
});

test("bits above Bits Stored are no part of a value, the sign is spread", () => {
  const high = 0xf000; // an overlay of old in the upper bits
  const stored = unpack(words(high | 5, 0x0fff, 0, 1), layout());
  expect([...stored]).toEqual([5, 4095, 0, 1]);
  const signed = unpack(words(0x0fff, 0x0800, 0x07ff, 1), layout({ isSigned: true }));
  expect([...signed]).toEqual([-1, -2048, 2047, 1]);
});

test("a High Bit other than Bits Stored - 1 is believed where the bits are in use", () => {
  const shifted = layout({ bitsStored: 8, highBit: 15 });
  expect([...unpack(words(0x0100, 0xff00, 0, 0x8000), shifted)]).toEqual([
    1, 255, 0, 128,
  ]);
  expect([...unpack(words(1, 255, 0, 128), shifted)]).toEqual([1, 255, 0, 128]);
});

test("one bit a pixel, eight in a byte, the lowest first (PS3.5 8.1.1)", () => {
  const bits = layout({ columns: 10, bitsAllocated: 1, bitsStored: 1, highBit: 0 });
  expect([...unpack(octets(0b0000_0101, 0b10), bits)]).toEqual([
    1, 0, 1, 0, 0, 0, 0, 0, 0, 1,
  ]);
});

test("planes become pixels; a pair shares its chroma", () => {
  const rgb = layout({
    columns: 2,
    samples: 3,
    photometric: "RGB",
    bitsAllocated: 8,
    bitsStored: 8,
    highBit: 7,
  });
  const planar = unpack(octets(1, 2, 3, 4, 5, 6), { ...rgb, isPlanar: true });
  expect([...planar]).toEqual([1, 3, 5, 2, 4, 6]);
  const pairs = unpack(octets(10, 20, 128, 130), {
    ...rgb,
    photometric: "YBR_FULL_422",
  });
  expect([...pairs]).toEqual([10, 128, 130, 20, 128, 130]);
});

test("a frame that is cut short says so", () => {
  expect(() => unpack(words(1, 2), layout())).toThrow(ShortFrameError);
  expect(() => unpack(words(1, 2), layout())).toThrow("4 bytes; its header says 8");
});

test("YBR_FULL by hand (C.7.6.3.1.2)", () => {
  const full = layout({
    columns: 1,
    samples: 3,
    photometric: "YBR_FULL",
    bitsAllocated: 8,
    bitsStored: 8,
    highBit: 7,
  });
  // Pure red of the standard's matrix: Y 76.245, Cb 84.97, Cr 255.5 → clipped to 255.
  expect([...toRgb(Uint8Array.of(76, 85, 255), full, true)]).toEqual([254, 0, 0]);
  expect([...toRgb(Uint8Array.of(128, 128, 128), full, true)]).toEqual([128, 128, 128]);
});

function shown(voi: Voi, changes: { isInverse?: boolean; isInverted?: boolean } = {}) {
  const picture = greyPicture(Int16Array.of(-1000, 0, 1000, -2000), layout(), {
    modality: { slope: 1, intercept: 0, lut: null, unit: "HU" },
    padding: [-2000, -2000],
    isInverse: changes.isInverse ?? false,
    vois: [],
  });
  const painted = paint(picture, { voi, isInverted: changes.isInverted ?? false });
  return [0, 4, 8, 12].map((at) => painted[at]);
}

test("what a canvas gets: grey, opaque, padding dark also where small is bright", () => {
  const voi = fullRange(-1000, 1000);
  expect(shown(voi)).toEqual([0, 128, 255, 0]);
  expect(shown(voi, { isInverse: true })).toEqual([255, 128, 0, 0]);
  expect(shown(voi, { isInverse: true, isInverted: true })).toEqual([0, 128, 255, 0]);
});

test("without a window all of the values are seen, padding apart", () => {
  const picture = greyPicture(Int16Array.of(-2000, 50, 150, 250), layout(), {
    modality: { slope: 2, intercept: -100, lut: null, unit: "" },
    padding: [-2000, -2000],
    isInverse: false,
    vois: [],
  });
  expect(picture.range).toEqual([0, 400]);
  expect(picture.vois).toEqual([fullRange(0, 400)]);
  expect(valueAt(picture, 2, 0)).toBe(200);
  expect(valueAt(picture, 0, 0)).toBeNull();
  expect(valueAt(picture, 4, 0)).toBeNull();
});

test("a palette of 16 bits with colours in the upper byte is white at 0xFF00", () => {
  const lut = lutOf({ descriptor: [2, 0, 16], data: [0, 0xff00] });
  if (!lut) throw new Error("no table");
  const picture = palettePicture(Uint8Array.of(0, 1), layout({ columns: 2 }), [
    lut,
    lut,
    lut,
  ]);
  expect([...picture.rgb]).toEqual([0, 0, 0, 255, 255, 255]);
});

test("headers that cannot be a picture say why", () => {
  const value = (vr: string, ...Value: unknown[]) => ({ vr, Value });
  const sound = {
    "00280010": value("US", 2),
    "00280011": value("US", 3),
    "00280100": value("US", 16),
    "00280101": value("US", 12),
    "00280103": value("US", 0),
    "7FE00010": { vr: "OW", BulkDataURI: "/x" },
  };
  expect(layoutOf(sound)).toMatchObject({ rows: 2, columns: 3, highBit: 11 });
  expect(layoutOf({})).toBe("no-pixels");
  expect(layoutOf({ ...sound, "00280010": value("US", 100_000_000) })).toBe("odd-size");
  expect(layoutOf({ ...sound, "00280101": value("US", 17) })).toBe("odd-bits");
  expect(layoutOf({ ...sound, "00280004": value("CS", "CMYK") })).toBe("odd-photometric");
});
