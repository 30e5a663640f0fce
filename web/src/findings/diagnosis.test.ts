import { expect, test } from "vitest";
import {
  type Assessment,
  bestImage,
  type Diagnosis,
  readResult,
  sliceOf,
} from "./diagnosis";
import { addedWhere, inOrder, ranked, sliceRanges, stepFrom, walk } from "./order";
import { assessment, finding } from "./samples";

const series = assessment([
  { sop: "1", frame: null },
  { sop: "2", frame: null },
  { sop: "3", frame: null },
]);

test("the best image is the finding's own, else its first slice", () => {
  const place = { laterality: "", image: null, slice_index: 1, box: null } as const;
  const own = { case: "", sop_instance_uid: "3", series_uid: "", frame: 4 };
  expect(bestImage(series, finding("1", { place: { ...place, image: own } }))).toEqual({
    sop: "3",
    frame: 4,
  });
  expect(bestImage(series, finding("1", { place }))).toEqual({ sop: "2", frame: 1 });
  expect(bestImage(series, finding("1", { slices: [2] }))).toEqual({
    sop: "3",
    frame: 1,
  });
  expect(bestImage(series, finding("1"))).toBeNull();
});

test("a file with all slices counts its frames as slices", () => {
  const whole = assessment([{ sop: "9", frame: null }]);
  expect(bestImage(whole, finding("1", { slices: [4] }))).toEqual({ sop: "9", frame: 5 });
  expect(sliceOf(whole, { sop: "9", frame: 5 })).toBe(4);
  expect(sliceOf(whole, { sop: "8", frame: 5 })).toBeNull();
});

test("the slice of an image is its place in the assessment", () => {
  expect(sliceOf(series, { sop: "3", frame: 1 })).toBe(2);
  expect(sliceOf(series, { sop: "3", frame: 2 })).toBeNull();
});

test("present findings come first, then the more probable ones", () => {
  const found = [
    finding("1", { is_present: false, probability: 0.4 }),
    finding("2", { probability: 0.6 }),
    finding("3", { is_present: false, probability: 0.5 }),
    finding("4", { probability: 0.9 }),
  ];
  expect(inOrder(found).map((each) => each.id)).toEqual(["4", "2", "3", "1"]);
});

const diagnosis = (...assessments: readonly Assessment[]): Diagnosis => ({
  schema: "medlens/diagnosis/1",
  notice: "",
  assessments,
  left_out: [],
  has_prior: false,
});

test("the walk goes through the present ones of all assessments first", () => {
  const placed = walk(
    diagnosis(
      assessment([], [finding("1"), finding("2", { is_present: false })]),
      assessment([], [finding("1")]),
    ),
  );
  const keys = placed.map((each) => each.key);
  expect(keys).toEqual(["0/1", "1/1", "0/2"]);
  expect(stepFrom(keys, "0/2", 1)).toBe("0/1");
  expect(stepFrom(keys, "0/1", -1)).toBe("0/2");
  expect(stepFrom(keys, null, 1)).toBe("0/1");
  expect(stepFrom(keys, null, -1)).toBe("0/2");
  expect(stepFrom([], null, 1)).toBeNull();
});

test("what should be looked at comes first; what no model knows is no stop", () => {
  const found = diagnosis(
    { ...assessment([], [finding("1")]), advice: "outside" },
    { ...assessment([], [finding("1", { is_present: false })]), advice: "nothing_found" },
    { ...assessment([], [finding("1")]), advice: "refer" },
  );
  expect(ranked(found)).toEqual([2, 1, 0]);
  expect(walk(found).map((each) => each.key)).toEqual(["2/1", "1/1"]);
  expect(walk(found, new Set([0])).map((each) => each.key)).toEqual([
    "2/1",
    "0/1",
    "1/1",
  ]);
});

test("a missed finding goes where a reader is, else to the first model that looked", () => {
  const image = [{ sop: "1", frame: null }];
  const found = diagnosis(
    { ...assessment(image, [finding("1")]), advice: "outside" },
    { ...assessment([], [finding("1")]), advice: "refer" },
    { ...assessment(image, [finding("1")]), advice: "nothing_found" },
  );
  expect(addedWhere(found, null)).toBe(2);
  expect(addedWhere(found, "0/1")).toBe(0);
  expect(addedWhere(found, "0/+7")).toBe(0);
  expect(addedWhere(found, "1/1")).toBe(2);
  expect(addedWhere(diagnosis(), null)).toBeNull();
});

test("neighbouring slices are drawn together, counted from 1", () => {
  expect(sliceRanges([11, 9, 10, 20, 10])).toBe("10–12, 21");
  expect(sliceRanges([])).toBe("");
});

test("a diagnosis of another schema is refused", () => {
  const view = { id: 4, diagnosis: { schema: "medlens/diagnosis/9" } };
  expect(() => readResult(view as never)).toThrow(
    /result 4: schema "medlens\/diagnosis\/9"/,
  );
});
