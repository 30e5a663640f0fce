import { expect, test } from "vitest";
import { Cache } from "./cache";
import { type DataSet, isoDate, number, person, text } from "./dicom_json";
import { type ImageInfo, imagesOf } from "./image";
import { outwards } from "./library";
import { closest, inOrder } from "./order";
import { pictureOf } from "./picture";
import { Queue } from "./queue";
import { pictureBytes } from "./size";

const value = (...Value: unknown[]) => ({ vr: "XX", Value });
const PIXELS: DataSet = {
  "00280010": value(2),
  "00280011": value(2),
  "00280100": value(16),
  "00280101": value(12),
  "00280103": value(0),
  "7FE00010": { vr: "OW", BulkDataURI: "/x" },
};
const AXIAL = value(1, 0, 0, 0, 1, 0);

function slice(n: number, z: number, orientation = AXIAL): DataSet {
  return {
    ...PIXELS,
    "00080018": value(`1.2.${n}`),
    "00200013": value(n),
    "00200032": value(0, 0, z),
    "00200037": orientation,
  };
}

const numbersOf = (images: readonly ImageInfo[]) =>
  images.map(({ instanceNumber }) => instanceNumber);

test("values of the JSON model; damaged ones count as absent", () => {
  const data: DataSet = {
    "00100010": value({ Alphabetic: "Wang^Li", Ideographic: "王^丽" }),
    "00080020": value("20260312"),
    "00200013": value("7"),
    "00280010": value("x"),
  };
  expect(person(data, "PatientName")).toBe("Wang^Li=王^丽");
  expect(isoDate(data, "StudyDate")).toBe("2026-03-12");
  expect(number(data, "InstanceNumber")).toBe(7);
  expect(number(data, "Rows")).toBeNull();
  expect(text(data, "Modality")).toBe("");
});

test("slices stand by position and not by their numbers", () => {
  const images = [slice(1, 30), slice(2, 10), slice(3, 20)].flatMap(imagesOf);
  expect(numbersOf(inOrder(images))).toEqual([2, 3, 1]);
  expect(closest(inOrder(images), 19)).toBe(1);
});

test("along the normal, also where it looks to the feet", () => {
  const down = value(1, 0, 0, 0, -1, 0);
  const images = [slice(1, 10, down), slice(2, 30, down)].flatMap(imagesOf);
  expect(numbersOf(inOrder(images))).toEqual([2, 1]);
});

test("localisers in several planes keep the order in which they were numbered", () => {
  const sagittal = value(0, 1, 0, 0, 0, -1);
  const images = [slice(2, 5), slice(1, 9, sagittal), slice(3, 1)].flatMap(imagesOf);
  expect(numbersOf(inOrder(images))).toEqual([1, 2, 3]);
});

test("repeated positions keep their order in time", () => {
  const images = [slice(3, 5), slice(1, 5), slice(2, 10)].flatMap(imagesOf);
  expect(numbersOf(inOrder(images))).toEqual([1, 3, 2]);
});

test("frames of an enhanced image: their own group before the shared one", () => {
  const frame = (z: number) => ({ "00209113": value({ "00200032": value(0, 0, z) }) });
  const data: DataSet = {
    ...PIXELS,
    "00280008": value(2),
    "52009229": value({
      "00209116": value({ "00200037": AXIAL }),
      "00289110": value({ "00280030": value(0.5, 0.25) }),
      "00289145": value({ "00281053": value(2), "00281052": value(-1) }),
    }),
    "52009230": value(frame(4), {
      ...frame(2),
      "00289132": value({ "00281050": value(7), "00281051": value(3) }),
    }),
  };
  const [first, second] = imagesOf(data);
  expect(first?.plane?.position).toEqual([0, 0, 4]);
  expect(first?.spacing).toEqual({ row: 0.5, column: 0.25, kind: "patient" });
  expect([first?.grey.slope, first?.grey.intercept]).toEqual([2, -1]);
  expect(first?.grey.windows).toEqual([]);
  expect(second?.grey.windows[0]).toMatchObject({ center: 7, width: 3 });
  expect(inOrder(imagesOf(data)).map(({ address }) => address.frame)).toEqual([2, 1]);
});

test("the kinds of millimetres (PS3.3 10.7.1.3)", () => {
  const kind = (changes: DataSet) => imagesOf({ ...PIXELS, ...changes })[0]?.spacing;
  const [half, third] = [value(0.5, 0.5), value(0.3, 0.3)];
  expect(kind({ "00280030": half })?.kind).toBe("patient");
  expect(kind({ "00080060": value("DX"), "00181164": half })?.kind).toBe("detector");
  const same = { "00080060": value("DX"), "00181164": half, "00280030": half };
  expect(kind(same)?.kind).toBe("detector");
  expect(kind({ ...same, "00280030": third })).toMatchObject({
    kind: "patient",
    row: 0.3,
  });
  expect(kind({ ...same, "00280A02": value("FIDUCIAL") })?.kind).toBe("patient");
  expect(kind({ "00280034": value(4, 3) })).toEqual({
    row: 4 / 3,
    column: 1,
    kind: "none",
  });
  expect(kind({ "00280030": value(0, 0) })?.kind).toBe("none");
});

test("one image for an object without pixels, so that it can say why", () => {
  const images = imagesOf({ "00080060": value("SR"), "00280008": value(50) });
  expect(images.map(({ layout }) => layout)).toEqual(["no-pixels"]);
});

test("the least recently used goes when the bound is reached", () => {
  const cache = new Cache<{ bytes: number }>(100);
  cache.put("a", { bytes: 40 });
  cache.put("b", { bytes: 40 });
  cache.get("a");
  cache.put("c", { bytes: 40 });
  expect(["a", "b", "c"].map((key) => cache.has(key))).toEqual([true, false, true]);
  expect(cache.bytes).toBe(80);
  cache.put("huge", { bytes: 500 });
  expect([cache.has("a"), cache.has("huge"), cache.bytes]).toEqual([false, true, 500]);
});

function late<T>() {
  let resolve: (found: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const soon = () => new Promise((done) => setTimeout(done, 0));

test("what is urgent goes first, and has room that prefetching leaves", async () => {
  const queue = new Queue<string>(3, 1);
  const begun: string[] = [];
  const ends = new Map<string, (found: string) => void>();
  const load = (key: string) => () => {
    begun.push(key);
    const { promise, resolve } = late<string>();
    ends.set(key, resolve);
    return promise;
  };
  for (const key of ["a", "b", "c"]) queue.want(key, 5, load(key)).catch(() => {});
  expect(begun).toEqual(["a", "b"]);
  const urgent = queue.want("now", 0, load("now"));
  expect(begun).toEqual(["a", "b", "now"]);
  ends.get("now")?.("here");
  expect(await urgent).toBe("here");
  ends.get("a")?.("x");
  await soon();
  expect(begun).toEqual(["a", "b", "now", "c"]);
});

test("the same key is loaded once; what nobody wants is aborted", async () => {
  const queue = new Queue<string>();
  let aborted = false;
  const load = (abort: AbortSignal) =>
    new Promise<string>((_, reject) => {
      abort.addEventListener("abort", () => {
        aborted = true;
        reject(new DOMException("stop", "AbortError"));
      });
    });
  const first = queue.want("k", 3, load);
  expect(queue.want("k", 1, load)).toBe(first);
  queue.rerank(() => null);
  await expect(first).rejects.toThrow("stop");
  expect([aborted, queue.size]).toEqual([true, 0]);
});

test("fetched ahead: two the way the reader goes for one behind", () => {
  const images = Array.from({ length: 8 }, (_, at) => ({ at }) as unknown as ImageInfo);
  const at = (index: number, heading: 1 | -1) =>
    outwards({ images, index, heading }).map(
      (image) => (image as unknown as { at: number }).at,
    );
  expect(at(2, 1)).toEqual([2, 3, 4, 1, 5, 6, 0, 7]);
  expect(at(7, 1)).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
  expect(at(3, -1)).toEqual([3, 2, 1, 4, 0, 5, 6, 7]);
});

test("no picture takes more than was reckoned with when it was fetched ahead", () => {
  const lut = { entries: Uint16Array.of(0, 255), first: 0, bits: 8 };
  const tables = { modality: null, vois: [], palette: [lut, lut, lut] as const };
  const bytesOf = (changes: DataSet) => {
    const [image] = imagesOf({ ...PIXELS, ...changes });
    if (!image || typeof image.layout === "string") throw new Error("no image");
    const data = new ArrayBuffer(4 * 8 * 3);
    return [pictureBytes(image), pictureOf(data, image, image.layout, tables).bytes];
  };
  const [eight, one] = [value(8), value(1)];
  const palette = {
    "00280004": value("PALETTE COLOR"),
    "00280100": eight,
    "00280101": eight,
  };
  // Four pixels: an index each in the file, three bytes each in memory.
  expect(bytesOf(palette)).toEqual([12, 12]);
  expect(bytesOf({})).toEqual([8, 8]);
  expect(bytesOf({ "00280100": one, "00280101": one })).toEqual([4, 4]);
  const rgb = { "00280004": value("RGB"), "00280002": value(3) };
  expect(bytesOf({ ...rgb, "00280100": eight, "00280101": eight })).toEqual([12, 12]);
  const mark = { "60000010": value(2), "60000011": value(2), "60000102": value(12) };
  expect(bytesOf(mark)).toEqual([12, 12]);
});
