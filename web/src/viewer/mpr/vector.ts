/** Vectors of the patient: mm in LPS (x to the left, y to the back, z to the head). */

import { cross, dot, type Vector } from "~/viewer/load/image";

export { cross, dot, type Vector };

/** a + factor × b. */
export const add = (a: Vector, b: Vector, factor = 1): Vector => [
  a[0] + factor * b[0],
  a[1] + factor * b[1],
  a[2] + factor * b[2],
];

export const lengthOf = (a: Vector): number => Math.hypot(...a);
