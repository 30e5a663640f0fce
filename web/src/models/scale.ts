/** From values to places on a drawing, and the round numbers that an axis names. */

/** value → place. */
export type Scale = (value: number) => number;

/**
 * A straight scale; values outside are held at the ends.
 *
 * @param from, to ends in values; equal ends put everything in the middle.
 * @param start, end the same ends as places (`end` below `start` turns it round).
 */
export function straight(from: number, to: number, start: number, end: number): Scale {
  if (from === to) return () => (start + end) / 2;
  return (value) => {
    const share = (value - from) / (to - from);
    return start + Math.min(1, Math.max(0, share)) * (end - start);
  };
}

const STEPS = [1, 2, 2.5, 5, 10];

/**
 * Round values from `from` to `to` in even steps, both ends within.
 *
 * @param most about how many steps at most.
 */
export function ticks(from: number, to: number, most = 5): readonly number[] {
  const width = to - from;
  if (!(width > 0)) return [from];
  const size = 10 ** Math.floor(Math.log10(width / most));
  const step = (STEPS.find((each) => width / (each * size) <= most + 1e-9) ?? 10) * size;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  const found: number[] = [];
  for (let at = first; at <= last; at += 1)
    found.push(Number((at * step).toPrecision(12)));
  return found;
}

/** Ends for figures of shares: all of them inside, round, and within 0..1. */
export function shareEnds(
  values: readonly (number | null | undefined)[],
): [number, number] {
  const known = values.filter((each): each is number => Number.isFinite(each));
  if (known.length === 0) return [0, 1];
  const low = Math.floor((Math.min(...known) - 1e-9) * 10) / 10;
  const high = Math.ceil((Math.max(...known) + 1e-9) * 10) / 10;
  return [Math.max(0, low), Math.min(1, high)];
}

/** A path through points: "M1 2L3 4". */
export function path(points: readonly (readonly [number, number])[]): string {
  return points
    .map(([x, y], at) => `${at === 0 ? "M" : "L"}${round(x)} ${round(y)}`)
    .join("");
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
