import { expect, test } from "vitest";
import { bestImage, type Result } from "./diagnosis";
import { findingOf, layerOf, layersOf, type Maps, type Overlaid } from "./layers";
import { assessment, finding } from "./samples";
import { expected, judge } from "./verdicts";

const place = {
  laterality: "",
  image: { case: "", sop_instance_uid: "1", series_uid: "", frame: null },
  slice_index: 0,
  box: [10, 20, 30, 40],
} as const;
const found = assessment(
  [
    { sop: "1", frame: null },
    { sop: "2", frame: null },
  ],
  [finding("1", { place }), finding("2", { place, is_present: false })],
);
const slices = [{ slice: 1, image: { sop_uid: "2", frame: null } }];
const maps: Maps = {
  evidence: [{ assessment: 0, finding: "1", slices, grid: null }],
  masks: [{ assessment: 0, labels: ["background", "label 2"], slices }],
};

function overlaid(more: Partial<Overlaid> = {}): Overlaid {
  const result = { id: 4, diagnosis: { assessments: [found] } } as unknown as Result;
  return {
    result,
    maps,
    words: [],
    selected: null,
    away: new Set(),
    opened: new Set(),
    nameOf: (label) => label,
    ...more,
  };
}

const shown = (given: Overlaid) =>
  layersOf(given)
    .filter((each) => each.isVisible)
    .map((each) => each.id);

test("boxes of what is present are seen, evidence only of what is picked", () => {
  expect(shown(overlaid())).toEqual(["mask/0/2", "box/0/1"]);
  expect(shown(overlaid({ selected: "0/1" }))).toContain("evidence/0/1");
  expect(shown(overlaid({ away: new Set(["0/1", "0/2"]) }))).toEqual([]);
});

test("a map on a coarser grid says so beside its colour", () => {
  const [kept] = maps.evidence;
  if (!kept) throw new Error("no map");
  const coarse: Maps = { ...maps, evidence: [{ ...kept, grid: [96, 128] }] };
  const label = (given: Maps) =>
    layersOf(overlaid({ maps: given })).find((each) => each.kind === "evidence")?.label;
  expect(label(coarse)).toBe("label 1 (coarse grid, 128 × 96 cells)");
  expect(label(maps)).toBe("label 1");
});

test("a picture belongs to its image alone", () => {
  const evidence = layersOf(overlaid()).find((each) => each.kind === "evidence");
  expect(evidence?.pictureOf({ sop: "2", frame: 1 })).toBe(
    "/api/v1/results/4/maps/evidence/0/1/1",
  );
  expect(evidence?.pictureOf({ sop: "1", frame: 1 })).toBeNull();
});

test("a reader's box takes the model's place, a rejected one is not seen", () => {
  const more = { box: { left: 1, top: 2, right: 3, bottom: 4 } };
  const moved = expected(judge(0, "1", "correct", more), { place: 0, reader: "anna" });
  const box = layersOf(overlaid({ words: [moved] })).find(
    (each) => each.id === "box/0/1",
  );
  expect(box).toMatchObject({ box: [1, 2, 3, 4], isReaders: true, image: { sop: "1" } });
  const denied = expected(judge(0, "1", "reject"), { place: 0, reader: "anna" });
  expect(shown(overlaid({ words: [denied] }))).toEqual(["mask/0/2"]);
});

test("of images that no model knows nothing is drawn until a reader asks", () => {
  const strange = { ...found, advice: "outside" as const };
  const result = { id: 4, diagnosis: { assessments: [strange] } } as unknown as Result;
  expect(layersOf(overlaid({ result }))).toEqual([]);
  expect(layersOf(overlaid({ result, opened: new Set([0]) })).length).toBeGreaterThan(0);
});

test("a layer knows its finding", () => {
  expect(findingOf(layerOf("0/+7"))).toBe("0/+7");
  expect(findingOf("mask/0/2")).toBe("0/2");
  expect(findingOf("measure/1")).toBeNull();
  expect(bestImage(found, finding("1", { place }))).toEqual({ sop: "1", frame: 1 });
});
