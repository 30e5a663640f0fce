import { afterEach, expect, test } from "vitest";
import type { Advice } from "~/core/filters";
import { lang } from "~/core/text/lang";
import { found, sumOf, urgencyOf } from "./headline";
import type { Study } from "./rows";
import { lineOf } from "./samples";

type Why = NonNullable<Study["headline"]>["why"][number];

const WHY: Why = {
  label: "pneumonia",
  name_en: "Pneumonia",
  name_zh: "肺炎",
  probability: 0.931,
  weight: 8,
  urgency: 7.448,
};

const told = (advice: Advice, urgency: number, ...why: Why[]) =>
  lineOf(1, {
    state: "answered",
    urgency,
    headline: { advice, why, assessments: 1 },
  });
const texts = (study: Study, share?: number) => found(study, share).map((s) => s.text);

afterEach(() => {
  lang.value = "en";
});

test("a finding stands with its calibrated probability, in the language of the page", () => {
  const study = told("refer", 37.448, WHY);
  expect(texts(study)).toEqual(["Pneumonia 93.1 %"]);
  lang.value = "zh";
  expect(texts(study)).toEqual(["肺炎 93.1 %"]);
});

test("a mask has no probability to show", () => {
  expect(texts(told("refer", 31, { ...WHY, probability: null }))).toEqual(["Pneumonia"]);
});

test("outside what the model knows stands first and without a number", () => {
  expect(texts(told("outside", 20))).toEqual(["Outside what this model knows"]);
});

test("an open answer is called open before its numbers", () => {
  expect(texts(told("unsure", 20.4, { ...WHY, probability: 0.4 }))).toEqual([
    "Open: the model does not decide",
    "Pneumonia 40.0 %",
  ]);
});

test("without an answer the state speaks, or its reason", () => {
  expect(texts(lineOf(1, { state: "receiving" }))).toEqual(["Images are arriving"]);
  expect(texts(lineOf(1, { state: "running" }), 0.256)).toEqual([
    "Is being answered, 26 %",
  ]);
  const reason = "series 1/image 2: no bundle takes CT\nseries 2: is a localiser";
  expect(texts(lineOf(1, { state: "refused", reason }))).toEqual(["No bundle takes CT"]);
  expect(texts(lineOf(1, { state: "failed" }))).toEqual(["Failed"]);
});

test("urgency is said openly: tier, probability × weight", () => {
  const study = told("refer", 37.448, WHY);
  expect(urgencyOf(study)).toEqual({
    word: "Look",
    figure: "7.45",
    product: "0.93 × 8",
    tier: 30,
  });
  expect(sumOf(study)).toBe(
    "Urgency 37.45 = 30 (A reader should look) + 0.93 × 8 (Pneumonia)",
  );
});

test("the highest urgency of all is still of the highest tier", () => {
  const most = { ...WHY, probability: 1, weight: 10, urgency: 10 };
  expect(urgencyOf(told("refer", 40, most)).tier).toBe(30);
});

test("a product never rounds to certainty", () => {
  const sure = { ...WHY, probability: 0.9999, weight: 1, urgency: 0.9999 };
  expect(urgencyOf(told("refer", 31, sure)).product).toBe("> 0.99 × 1");
});

test("a weight keeps its decimals", () => {
  const half = { ...WHY, weight: 2.5 };
  expect(urgencyOf(told("refer", 32, half)).product).toBe("0.93 × 2.5");
});

test("a study without findings has a tier and its reason", () => {
  expect(sumOf(told("nothing_found", 0))).toBe("Urgency 0.00: Nothing found");
  expect(sumOf(told("outside", 20))).toBe("Urgency 20.00: Outside what this model knows");
  expect(sumOf(lineOf(1))).toBe("");
  expect(urgencyOf(lineOf(1, { urgency: 0 })).word).toBe("–");
});

test("what was said before more images came is told to be of fewer", () => {
  const more = { ...told("refer", 31, WHY), state: "receiving" as const };
  expect(texts(more)).toEqual(["Pneumonia 93.1 %", "More images came since"]);
  const again = { ...more, state: "running" as const };
  expect(texts(again, 0.5)).toEqual(["Pneumonia 93.1 %", "Is being answered, 50 %"]);
});
