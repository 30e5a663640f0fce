/** When the looks for drift of a month are taken (docs/monitor.md). */

import { tl } from "./texts_living";

const WHEN = ["day8", "day15", "day22", "monthOver"] as const;

/** When a look is taken, in words; `number` is 1 to 4. */
export function whenOf(number: number): string {
  return tl(WHEN[number - 1] ?? "monthOver");
}
