import { signal } from "@preact/signals";
import { beforeEach, expect, test } from "vitest";
import { lang } from "~/core/text/lang";
import type { Reading } from "~/findings/reading";
import { createStage } from "~/viewer/stage";
import { insertablesOf } from "./insertables";

const reading = { result: signal(null) } as unknown as Reading;
const measured = (id: string, line: string) => ({
  id,
  kind: "length" as const,
  text: "x",
  line,
});

beforeEach(() => {
  lang.value = "en";
});

test("a measurement goes in with what it is and where", () => {
  const stage = createStage();
  stage.measured.value = [measured("a", "Length 5.0 mm (series 2, image 7)")];
  expect(insertablesOf(stage, reading)).toEqual([
    { id: "a", kind: "measured", text: "Length 5.0 mm (series 2, image 7)" },
  ]);
});

test("several go in together, a line each", () => {
  const stage = createStage();
  stage.measured.value = [measured("a", "Length 5.0 mm"), measured("b", "Angle 90.0°")];
  const [all, ...each] = insertablesOf(stage, reading);
  expect(all).toMatchObject({
    text: "Length 5.0 mm\nAngle 90.0°",
    label: "All 2 measurements, a line each",
  });
  expect(each.length).toBe(2);
});
