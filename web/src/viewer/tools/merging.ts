/** Measurements of two tabs brought together: what either did since they last agreed. */

import type { Kept } from "./shelf";

type Shapes = readonly Kept[];

/**
 * What both have: a shape that one side added, moved or deleted is added, moved or deleted.
 * Where both changed the same one, ours stands; what one deleted and the other changed stays.
 *
 * @param base what both had when they last agreed.
 */
export function merged(base: Shapes, ours: Shapes, theirs: Shapes): Shapes {
  const [before, here, there] = [base, ours, theirs].map(byId) as [Ids, Ids, Ids];
  const kept = theirs.flatMap((shape): Shapes => {
    const own = here.get(shape.id);
    const old = before.get(shape.id);
    if (own) return [old && isSame([own], [old]) ? shape : own];
    const isDeletedHere = old !== undefined && isSame([old], [shape]);
    return isDeletedHere ? [] : [shape];
  });
  const added = ours.filter((shape) => {
    if (there.has(shape.id)) return false;
    const old = before.get(shape.id);
    return old === undefined || !isSame([old], [shape]);
  });
  return [...kept, ...added];
}

type Ids = ReadonlyMap<string, Kept>;

function byId(shapes: Shapes): Ids {
  return new Map(shapes.map((shape) => [shape.id, shape]));
}

/** The same shapes in the same order, whatever the order of their fields. */
export function isSame(a: Shapes, b: Shapes): boolean {
  return a === b || written(a) === written(b);
}

/** As JSON has it: no number is none. */
function written(shapes: Shapes): string {
  return JSON.stringify(shapes, (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)))
      : value,
  );
}
