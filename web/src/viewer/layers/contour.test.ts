import { expect, test } from "vitest";
import { evidencePath, maskPath } from "./contour";

const numbers = (path: string) => (path.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);

test("a mask's outline follows the edges of its pixels", () => {
  const values = new Uint8Array(16);
  values[5] = 2; // row 1, column 1
  values[6] = 2;
  values[9] = 1; // another segment
  const path = maskPath({ rows: 4, columns: 4, values }, 2, { rows: 4, columns: 4 });
  expect(path).toBe("M1 1H3M1 2H3M1 1V2M3 1V2");
});

test("a mask at the edge is closed there, and a smaller picture is stretched", () => {
  const values = new Uint8Array([1, 0, 0, 0]);
  const path = maskPath({ rows: 2, columns: 2, values }, 1, { rows: 10, columns: 20 });
  expect(path).toBe("M0 0H10M0 5H10M0 0V5M10 0V5");
});

test("a map's outline lies at half of the strongest support", () => {
  // A ridge 0 55 200 55 0: 127.5 lies halfway between the centres of 55 and 200.
  const line = [0, 55, 200, 55, 0];
  const values = Uint8Array.from(Array.from({ length: 5 }, () => line).flat());
  const path = evidencePath({ rows: 5, columns: 5, values }, { rows: 50, columns: 50 });
  const xs = numbers(path).filter((_, at) => at % 2 === 0);
  expect(Math.min(...xs)).toBeCloseTo(20, 6);
  expect(Math.max(...xs)).toBeCloseTo(30, 6);
});

test("a map of nothing, or of little, has no outline", () => {
  const blank = { rows: 3, columns: 3, values: new Uint8Array(9) };
  expect(evidencePath(blank, blank)).toBe("");
  const faint = { rows: 3, columns: 3, values: new Uint8Array(9).fill(100) };
  expect(evidencePath(faint, faint)).toBe("");
});
