import { afterEach, expect, test, vi } from "vitest";
import { expectImage, imageStands, onceCalm, whenCalm } from "./calm";
import { hasten, takeListing, takeStudy } from "./early";
import { askOpening, takeFrame } from "./opening";
import type { SeriesLine, WholeStudy } from "./study";

const value = (...Value: unknown[]) => ({ vr: "XX", Value });
const header = (sop: string) => ({
  "0020000D": value("1.1"),
  "0020000E": value("1.2"),
  "00080018": value(sop),
  "00280010": value(1),
  "00280011": value(2),
  "00280100": value(8),
  "7FE00010": { vr: "OB", BulkDataURI: "/x" },
});
const place = (sop: string) =>
  `/dicom-web/studies/1.1/series/1.2/instances/${sop}/frames/1`;
const never = new AbortController().signal;
const soon = () => new Promise((done) => setTimeout(done, 0));

/** A service by address; every address that is asked is noted. */
function served(replies: Readonly<Record<string, () => Response>>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (to: string | Request) => {
    const { pathname, search } = new URL(
      typeof to === "string" ? to : to.url,
      "http://x",
    );
    const url = pathname + search;
    asked.push(url);
    return replies[url]?.() ?? new Response("{}", { status: 404 });
  });
  return asked;
}

const json = (body: unknown) => () =>
  new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
const frame = (sop: string, bytes: number[]) => () =>
  new Response(Uint8Array.from(bytes), { headers: { "Content-Location": place(sop) } });
const opened = (sop: string) => json({ series_uid: "1.2", image: header(sop) });

function studyOf(id: number, count: number): WholeStudy {
  const series = { id: 5, series_uid: "1.2", instance_count: count, modality: "CT" };
  return { id, study_uid: "1.1", series: [series] } as unknown as WholeStudy;
}

afterEach(() => {
  imageStands();
  vi.unstubAllGlobals();
});

test("the pixels of an opening are taken once, for its own image", async () => {
  served({
    "/api/v1/studies/3/opening": opened("1.3"),
    "/api/v1/studies/3/opening/frame": frame("1.3", [7, 8]),
  });
  const found = await askOpening(3, null, never);
  const [image] = found?.images ?? [];
  if (!image) throw new Error("no image");
  expect(found?.series).toBe("1.2");
  expect([...new Uint8Array((await takeFrame(image)) ?? new ArrayBuffer(0))]).toEqual([
    7, 8,
  ]);
  expect(await takeFrame(image)).toBeNull();
});

test("pixels of another image than the header's are not shown under it", async () => {
  served({
    "/api/v1/studies/3/opening": opened("1.3"),
    "/api/v1/studies/3/opening/frame": frame("1.4", [7, 8]),
  });
  const [image] = (await askOpening(3, null, never))?.images ?? [];
  if (!image) throw new Error("no image");
  expect(await takeFrame(image)).toBeNull();
});

test("nothing to open, or a failure, is left to the series itself", async () => {
  served({ "/api/v1/studies/3/opening": () => new Response(null, { status: 204 }) });
  expect(await askOpening(3, null, never)).toBeNull();
  expect(await askOpening(4, null, never)).toBeNull();
});

test("a study that was begun is asked for once by page and viewer", async () => {
  const asked = served({
    "/api/v1/studies/31": json(studyOf(31, 1)),
    "/api/v1/studies/31/opening": opened("1.3"),
    "/api/v1/studies/31/opening/frame": frame("1.3", [7, 8]),
  });
  hasten(31);
  const [page, viewer] = await Promise.all([
    takeStudy(31, "page", never),
    takeStudy(31, "viewer", never),
  ]);
  expect(page).toBe(viewer);
  const { first, all } = takeListing(viewer, viewer.series[0] as SeriesLine, never);
  expect((await first)?.address).toEqual({ sop: "1.3", frame: 1 });
  // The only instance of a series is all of it.
  expect((await all).map(({ address }) => address.sop)).toEqual(["1.3"]);
  expect(asked.sort()).toEqual([
    "/api/v1/studies/31",
    "/api/v1/studies/31/opening",
    "/api/v1/studies/31/opening/frame",
  ]);
  await takeStudy(31, "page", never); // asked again: what is new may not be missed
  expect(asked.filter((url) => url === "/api/v1/studies/31")).toHaveLength(2);
});

test("the list of a series waits until its first image stands", async () => {
  const list = "/dicom-web/studies/1.1/series/1.2/metadata";
  const asked = served({
    "/api/v1/studies/32/opening?series=5": opened("1.3"),
    [list]: json([header("1.3"), header("1.4")]),
  });
  const study = studyOf(32, 2);
  const { first, all } = takeListing(study, study.series[0] as SeriesLine, never);
  expect((await first)?.address.sop).toBe("1.3");
  await soon();
  expect(asked).not.toContain(list);
  imageStands();
  expect((await all).map(({ address }) => address.sop)).toEqual(["1.3", "1.4"]);
});

test("what waits for the first image can be called off", async () => {
  const done: string[] = [];
  expectImage();
  onceCalm(() => done.push("kept"));
  onceCalm(() => done.push("dropped"))();
  await soon();
  expect(done).toEqual([]);
  imageStands();
  await whenCalm();
  await soon();
  expect(done).toEqual(["kept"]);
});
