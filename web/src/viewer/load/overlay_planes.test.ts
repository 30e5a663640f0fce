import { expect, test } from "vitest";
import type { Layout } from "../pixels/layout";
import { embeddedOverlay, paintOverlay, unpackOverlay } from "../pixels/overlay";
import type { DataSet } from "./dicom_json";
import { imagesOf } from "./image";
import { overlayPlanesOf, overlaysOn } from "./overlay_planes";
import { pictureOf } from "./picture";

const value = (...Value: unknown[]) => ({ vr: "XX", Value });
const base64 = (...bytes: number[]) => btoa(String.fromCharCode(...bytes));
const CELLS = {
  rows: 2,
  columns: 3,
  frames: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  transferSyntax: "1.2.840.10008.1.2.1",
};

function group(name: string, elements: Readonly<Record<string, object>>): DataSet {
  return Object.fromEntries(
    Object.entries(elements).map(([element, each]) => [name + element, each]),
  ) as DataSet;
}

const PLAIN = {
  "0010": value(2),
  "0011": value(3),
  "0040": value("G"),
  "0050": value(1, 1),
  "0102": value(0),
  "3000": { vr: "OW", InlineBinary: base64(0b101101, 0) },
};

test("bits follow each other, the lowest of a byte first (PS3.5 8.1.2)", () => {
  // 1 0 1 1 0 1 in the first frame of six, 0 1 then 1 0 0 1 in the second.
  const bytes = Uint8Array.of(0b10_101101, 0b1001);
  expect([...(unpackOverlay(bytes, 6) ?? [])]).toEqual([1, 0, 1, 1, 0, 1]);
  expect([...(unpackOverlay(bytes, 6, 1) ?? [])]).toEqual([0, 1, 1, 0, 0, 1]);
  expect(unpackOverlay(bytes, 6, 2)).toBeNull(); // 18 bits of 16
  const swapped = Uint8Array.of(0b1001, 0b10_101101);
  expect([...(unpackOverlay(swapped, 6, 1, true) ?? [])]).toEqual([0, 1, 1, 0, 0, 1]);
});

test("a plane begins where its origin says, also outside of the image", () => {
  const at = (...origin: number[]) =>
    overlayPlanesOf(group("6002", { ...PLAIN, "0050": value(...origin) }), CELLS)[0];
  expect(at(1, 1)).toMatchObject({ place: 1, kind: "G", top: 0, left: 0 });
  expect(at(3, -1)).toMatchObject({ top: 2, left: -2 });
});

test("planes that make no sense are left out", () => {
  const found = (changes: Readonly<Record<string, object>>) =>
    overlayPlanesOf(group("6000", { ...PLAIN, ...changes }), CELLS);
  expect(found({})).toHaveLength(1);
  expect(found({ "0010": value(0) })).toEqual([]);
  expect(found({ "0010": value(65_535), "0011": value(65_535) })).toEqual([]);
  expect(found({ "3000": { vr: "OW" } })).toEqual([]); // no data, and no bit above
  // A bit of the image itself is none of an overlay.
  expect(found({ "3000": { vr: "OW" }, "0102": value(11) })).toEqual([]);
  expect(found({ "3000": { vr: "OW" }, "0102": value(16) })).toEqual([]);
  // Within the pixels it has as many as the image.
  const other = { "3000": { vr: "OW" }, "0102": value(12), "0011": value(2) };
  expect(found(other)).toEqual([]);
});

test("a region says what its sender measured; the label comes before the description", () => {
  const [region] = overlayPlanesOf(
    group("601E", {
      ...PLAIN,
      "0040": value("R"),
      "0022": value("Liver"),
      "1302": value("41.5"),
      "1303": value("7"),
    }),
    CELLS,
  );
  expect(region).toMatchObject({ place: 15, kind: "R", label: "Liver" });
  expect([region?.mean, region?.deviation]).toEqual([41.5, 7]);
});

test("frames: all, or as many as the overlay has from its origin on (C.9.2.1.3)", () => {
  const framesOf = (changes: Readonly<Record<string, object>>) => {
    const planes = overlayPlanesOf(group("6000", { ...PLAIN, ...changes }), {
      ...CELLS,
      frames: 4,
    });
    return [1, 2, 3, 4].filter((frame) => overlaysOn(planes, frame).length > 0);
  };
  expect(framesOf({})).toEqual([1, 2, 3, 4]);
  expect(framesOf({ "0051": value(3) })).toEqual([3]);
  expect(framesOf({ "0015": value("2"), "0051": value(2) })).toEqual([2, 3]);
  expect(framesOf({ "0015": value("2") })).toEqual([1, 2]);
});

test("a plane in the bits above the image is taken before they are masked away", () => {
  const words = Uint16Array.of(0x1005, 0x0006, 0x1fff, 0x2001, 0x0000, 0xf000);
  const layout = { rows: 2, columns: 3, samples: 1, bitsAllocated: 16 } as Layout;
  const bits = embeddedOverlay(words.slice().buffer, layout, 12);
  expect([...(bits ?? [])]).toEqual([1, 0, 1, 0, 0, 1]);
  expect(embeddedOverlay(new ArrayBuffer(11), layout, 12)).toBeNull();
  const data: DataSet = {
    ...group("6000", { ...PLAIN, "3000": { vr: "OW" }, "0102": value(12) }),
    "00080018": value("1.2"),
    "00280010": value(2),
    "00280011": value(3),
    "00280100": value(16),
    "00280101": value(12),
    "00280103": value(0),
    "7FE00010": { vr: "OW", BulkDataURI: "/x" },
  };
  const [image] = imagesOf(data);
  if (!image || typeof image.layout === "string") throw new Error("no image");
  const tables = { modality: null, vois: [], palette: null };
  const picture = pictureOf(words.slice().buffer, image, image.layout, tables);
  expect([...(picture.embedded?.get(0) ?? [])]).toEqual([1, 0, 1, 0, 0, 1]);
  if (picture.kind !== "grey") throw new Error("no grey");
  expect([...picture.stored]).toEqual([5, 6, 0xfff, 1, 0, 0]);
});

test("what is set has the colour, what is not is clear", () => {
  const target = new Uint8ClampedArray(8);
  paintOverlay(Uint8Array.of(1, 0), [255, 225, 77], target);
  expect([...target]).toEqual([255, 225, 77, 255, 0, 0, 0, 0]);
});
