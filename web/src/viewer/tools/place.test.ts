import { expect, test } from "vitest";
import type { Point } from "./matrix";
import { begin, drawn, moveTo, type Placing, type Spot, settle } from "./place";

const HERE: Spot = {
  series: "1",
  where: { kind: "image", image: { sop: "1.1", frame: 1 }, index: 0 },
};
const SIZE = { rows: 100, columns: 100 };

/** The points after each was moved to and set in turn. */
function through(start: Placing, ...to: Point[]): readonly Point[] | Placing {
  let now = start;
  for (const point of to) {
    const found = settle(moveTo(now, point, SIZE));
    if ("points" in found) return found.points;
    now = found.next;
  }
  return now;
}

test("by pointer a length needs one more point, an angle two", () => {
  expect(through(begin("length", HERE, [1, 1], "pointer"), [5, 5])).toEqual([[1, 1], [5, 5]]); // biome-ignore format: points
  expect(through(begin("angle", HERE, [1, 1], "pointer"), [5, 5], [9, 1])).toEqual([[1, 1], [5, 5], [9, 1]]); // biome-ignore format: points
});

test("by keys the first point is set like the others", () => {
  expect(through(begin("length", HERE, [50, 50], "keys"), [10, 50], [90, 50])).toEqual([[10, 50], [90, 50]]); // biome-ignore format: points
  expect(through(begin("probe", HERE, [50, 50], "keys"), [51, 50])).toEqual([[51, 50]]);
});

test("what is drawn has the moving point", () => {
  const placing = moveTo(begin("angle", HERE, [1, 1], "pointer"), [300, -5], SIZE);
  expect(drawn(placing)).toEqual([[1, 1], [100, 0]]); // biome-ignore format: points
});

test("a shape without extent is not finished", () => {
  const found = settle(begin("rectangle", HERE, [3, 3], "pointer"));
  expect("next" in found && found.next.points.length).toBe(1);
});
