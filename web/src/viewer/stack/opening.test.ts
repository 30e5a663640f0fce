import { afterEach, expect, test, vi } from "vitest";
import { OfflineError } from "~/core/api/problem";
import { line } from "~/core/events";
import { imageStands } from "../load/calm";
import type { ImageInfo } from "../load/image";
import type { SeriesLine, WholeStudy } from "../load/study";
import type { Picture } from "../pixels/picture";
import { createStage } from "../stage";
import { createDesk, type Desk, openIn } from "./desk";
import { keepFilled, listAgain } from "./opening";
import { createPane, goTo, isListed } from "./pane_state";
import { keepRetried } from "./service";

vi.stubGlobal("navigator", {});

const value = (...Value: unknown[]) => ({ vr: "XX", Value });
const header = (series: string, sop: string) => ({
  "0020000D": value("1.1"),
  "0020000E": value(series),
  "00080018": value(sop),
  "00280010": value(1),
  "00280011": value(2),
  "00280100": value(8),
  "7FE00010": { vr: "OB", BulkDataURI: "/x" },
});

function seriesOf(id: number, uid: string): SeriesLine {
  const found = { id, series_uid: uid, instance_count: 2, modality: "CT", is_own: false };
  return found as unknown as SeriesLine;
}

const studyOf = (id: number, ...series: SeriesLine[]) =>
  ({ id, study_uid: "1.1", series }) as unknown as WholeStudy;

/** A service that answers an address when it is told to; what it does not know is 404. */
function served() {
  const waiting = new Map<string, (reply: Response) => void>();
  vi.stubGlobal("fetch", (to: string | Request) => {
    const url = new URL(typeof to === "string" ? to : to.url, "http://x").pathname;
    if (!url.endsWith("/metadata"))
      return Promise.resolve(new Response("{}", { status: 404 }));
    return new Promise<Response>((resolve) => waiting.set(url, resolve));
  });
  return (series: string, sops: readonly string[]) =>
    waiting.get(`/dicom-web/studies/1.1/series/${series}/metadata`)?.(
      new Response(JSON.stringify(sops.map((sop) => header(series, sop)))),
    );
}

const settled = () => new Promise((done) => setTimeout(done, 5));
const sopsOf = (images: readonly ImageInfo[]) => images.map(({ address }) => address.sop);

/** A desk whose library gives a picture to nobody; what is asked of it is noted. */
function deskOf(): { desk: Desk; asked: string[] } {
  const asked: string[] = [];
  const desk = createDesk(createStage());
  vi.spyOn(desk.library, "show").mockImplementation((image) => {
    asked.push(image.address.sop);
    return new Promise(() => {});
  });
  return { desk, asked };
}

afterEach(() => {
  imageStands();
  vi.unstubAllGlobals();
  vi.stubGlobal("navigator", {});
});

test("a list that comes late does not take the place of another series", async () => {
  const answer = served();
  const { desk } = deskOf();
  const [pane] = desk.panes.peek();
  if (!pane) throw new Error("no pane");
  const [first, second] = [seriesOf(1, "1.2"), seriesOf(2, "1.3")];
  const study = studyOf(7, first, second);
  const stop = keepFilled(desk, pane);
  openIn(pane, study, first);
  await settled();
  listAgain(pane); // a reader pressed "Try again", which nothing aborts
  await settled();
  openIn(pane, study, second);
  await settled();
  answer("1.3", ["b1", "b2"]);
  await settled();
  answer("1.2", ["a1", "a2"]);
  await settled();
  expect(sopsOf(pane.images.peek())).toEqual(["b1", "b2"]);
  stop();
});

test("who comes back from planes finds the image that was left", async () => {
  const answer = served();
  const { desk } = deskOf();
  const [pane] = desk.panes.peek();
  if (!pane) throw new Error("no pane");
  const [first, second] = [seriesOf(1, "1.2"), seriesOf(2, "1.3")];
  const study = studyOf(7, first, second);
  let stop = keepFilled(desk, pane);
  openIn(pane, study, first);
  await settled();
  answer("1.2", ["a1", "a2"]);
  await settled();
  stop();
  goTo(pane, 1); // a measurement was chosen from the list
  stop = keepFilled(desk, pane);
  expect(pane.image.peek()?.address.sop).toBe("a2");
  stop();
  openIn(pane, study, second); // and another series while no pane is seen
  stop = keepFilled(desk, pane);
  expect(pane.image.peek()).toBeNull();
  stop();
});

test("the frames of one instance are no whole series of two", () => {
  const pane = createPane(0);
  openIn(pane, studyOf(7, seriesOf(1, "1.2")), seriesOf(1, "1.2"));
  const image = (sop: string, frame: number) =>
    ({ study: "1.1", series: "1.2", address: { sop, frame } }) as unknown as ImageInfo;
  pane.images.value = [image("a1", 1), image("a1", 2), image("a1", 3)];
  expect(isListed(pane)).toBe(false);
  pane.images.value = [...pane.images.peek(), image("a2", 1)];
  expect(isListed(pane)).toBe(true);
});

test("a series of one UID in two studies is two series", () => {
  const pane = createPane(0);
  openIn(pane, studyOf(7, seriesOf(1, "1.2")), seriesOf(1, "1.2"));
  openIn(pane, studyOf(8, seriesOf(9, "1.2")), seriesOf(9, "1.2"));
  expect([pane.study.peek()?.id, pane.series.peek()?.id]).toEqual([8, 9]);
});

test("what failed without a line is asked for when there is one again", async () => {
  const { desk, asked } = deskOf();
  const [pane] = desk.panes.peek();
  if (!pane) throw new Error("no pane");
  line.value = "lost";
  const stop = keepRetried(desk);
  const image = { address: { sop: "c1", frame: 1 }, layout: "no-pixels" };
  pane.images.value = [image as unknown as ImageInfo];
  pane.progress.value = { kind: "failed", error: new OfflineError("gone") };
  expect(asked).toEqual([]);
  line.value = "open";
  expect(asked).toEqual(["c1"]);
  expect(pane.progress.peek().kind).toBe("loading");
  // What the service refused stays refused.
  line.value = "lost";
  pane.progress.value = { kind: "failed", error: new Error("damaged") };
  line.value = "open";
  expect(asked).toEqual(["c1"]);
  stop();
});

test("one image whose series could not be listed does not pass for all of it", async () => {
  let isDown = true;
  vi.stubGlobal("fetch", async (to: string | Request) => {
    const url = new URL(typeof to === "string" ? to : to.url, "http://x").pathname;
    if (url.endsWith("/opening")) {
      const found = { series_uid: "1.2", image: header("1.2", "a1") };
      return new Response(JSON.stringify(found));
    }
    if (!url.endsWith("/metadata")) return new Response("{}", { status: 404 });
    if (isDown) throw new TypeError("no line");
    return new Response(JSON.stringify(["a1", "a2"].map((sop) => header("1.2", sop))));
  });
  const desk = createDesk(createStage());
  const picture = {} as Picture;
  vi.spyOn(desk.library, "peek").mockReturnValue(picture);
  const [pane] = desk.panes.peek();
  if (!pane) throw new Error("no pane");
  const series = seriesOf(1, "1.2");
  const stops = [keepFilled(desk, pane), keepRetried(desk)];
  openIn(pane, studyOf(7, series), series);
  await settled();
  imageStands();
  await vi.waitFor(() => expect(pane.progress.peek().kind).toBe("failed"));
  expect(sopsOf(pane.images.peek())).toEqual(["a1"]);
  line.value = "lost";
  isDown = false;
  line.value = "open";
  await settled();
  imageStands();
  await vi.waitFor(() => expect(sopsOf(pane.images.peek())).toEqual(["a1", "a2"]));
  expect(pane.progress.peek().kind).toBe("shown");
  for (const stop of stops) stop();
});
