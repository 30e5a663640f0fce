import { expect, test, vi } from "vitest";
import type { ImageInfo } from "~/viewer/load/image";
import type { SeriesLine, WholeStudy } from "~/viewer/load/study";
import { createDesk, openIn } from "~/viewer/stack/desk";
import { createStage } from "~/viewer/stage";
import { jumpTo } from "./jump";
import { createKit } from "./kit";
import type { Kept } from "./shelf";

vi.stubGlobal("navigator", {});

const seriesOf = (id: number, uid: string) =>
  ({ id, series_uid: uid, instance_count: 2 }) as unknown as SeriesLine;
const studyOf = (id: number, ...series: SeriesLine[]) =>
  ({ id, study_uid: `1.${id}`, series }) as unknown as WholeStudy;
const image = (sop: string) => ({ address: { sop, frame: 1 } }) as unknown as ImageInfo;

test("a measurement in another series of the prior study is gone to", async () => {
  const desk = createDesk(createStage());
  const [first, second] = [seriesOf(1, "2.1"), seriesOf(2, "2.2")];
  const prior = studyOf(8, first, second);
  desk.study.value = studyOf(7);
  const pane = desk.activePane.peek();
  openIn(pane, prior, first);
  pane.images.value = [image("a1"), image("a2")];
  const reading = { calibration: { unit: "mm" }, length: 3 };
  const where = { kind: "image", image: { sop: "b2", frame: 1 }, index: 1 };
  const shape = { id: "x", kind: "length", series: "2.2", where, points: [], reading };
  jumpTo(createKit(desk), shape as unknown as Kept);
  expect(pane.series.peek()?.id).toBe(2);
  pane.images.value = [image("b1"), image("b2")];
  expect(pane.image.peek()?.address.sop).toBe("b2");
});
