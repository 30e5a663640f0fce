/** What a reader has in hand: measurements, where they are made, what is being placed. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { newKey } from "~/core/api/client";
import type { Desk } from "~/viewer/stack/desk";
import type { Ground } from "./ground";
import { middleOf, sizeOf } from "./ground";
import type { Point } from "./matrix";
import { read } from "./measure";
import { paneGround } from "./pane_ground";
import { begin, drawn, moveTo, type Placing, settle } from "./place";
import { isKind, type Kind, POINTS, type Shape, whereKey } from "./shape";
import { type Kept, openShelf, type Shelf } from "./shelf";

/** The tools of one viewer. */
export interface Kit {
  readonly desk: Desk;
  /** The ground that keys work on while it is none of the panes' (planes), else null. */
  readonly elsewhere: Signal<Ground | null>;
  /** The ground that keys work on. */
  readonly ground: ReadonlySignal<Ground>;
  /** A shape that is not finished, and the key of the ground that it is drawn on. */
  readonly placing: Signal<{ readonly on: string; readonly shape: Placing } | null>;
  /** A measurement on a plane that is to be shown once the planes are there. */
  readonly wanted: Signal<Kept | null>;
  /** The measurements of a study, by our number of it. */
  readonly shelf: (study: number) => Shelf;
  readonly shelfOf: (ground: Ground) => Shelf;
}

/** The tools for a desk. */
export function createKit(desk: Desk): Kit {
  const shelves = new Map<number, Shelf>();
  const shelf = (study: number) => {
    const found = shelves.get(study) ?? openShelf(study);
    shelves.set(study, found);
    return found;
  };
  const elsewhere = signal<Ground | null>(null);
  return {
    desk,
    elsewhere,
    ground: computed(() => elsewhere.value ?? paneGround(desk, desk.activePane.value)),
    placing: signal(null),
    wanted: signal(null),
    shelf,
    shelfOf: (ground) => shelf(ground.study()),
  };
}

/** Shapes on what a ground shows. */
export function shapesOn(kit: Kit, ground: Ground): readonly Kept[] {
  return kit.shelfOf(ground).shapes.value.filter(ground.holds);
}

/** The shape that is selected and seen on a ground. */
export function selectedOn(kit: Kit, ground: Ground): Kept | null {
  const id = kit.shelfOf(ground).selected.value;
  return id ? (shapesOn(kit, ground).find((each) => each.id === id) ?? null) : null;
}

/** A shape with what it measures on what a ground shows. */
export function measured(ground: Ground, shape: Shape): Kept {
  const points = ground.seen(shape);
  const reading = read(
    { kind: shape.kind, points },
    ground.calibration(points),
    ground.values(),
  );
  return { ...shape, reading };
}

/** The same shape with other points, in pixels of the ground, measured there. */
export function reshaped(ground: Ground, shape: Shape, points: readonly Point[]): Kept {
  const spot = ground.spot();
  return measured(ground, {
    ...shape,
    // A plane may have become a slab since.
    where: spot?.where.kind === "plane" ? spot.where : shape.where,
    points: ground.kept(points),
  });
}

/** Begin a shape on a ground; nothing happens before there is an image. */
export function start(kit: Kit, ground: Ground, at: Point, by: Placing["by"]): void {
  const spot = ground.spot();
  const tool = ground.tool.value;
  if (!spot || !isKind(tool)) return;
  kit.shelfOf(ground).selected.value = null;
  const shape = begin(tool, spot, at, by);
  kit.placing.value = { on: ground.key, shape };
  if (by === "pointer" && POINTS[tool] === 1) finish(kit, ground, shape, [at]);
}

/** Begin in the middle, by keys. */
export function startByKeys(kit: Kit, ground: Ground): void {
  start(kit, ground, middleOf(ground), "keys");
}

/** Move the point that is not set yet. */
export function place(kit: Kit, ground: Ground, at: Point): void {
  const [now, size] = [placedOn(kit, ground), sizeOf(ground)];
  if (!now || !size) return;
  kit.placing.value = { on: ground.key, shape: moveTo(now.shape, at, size) };
}

/** Set the point that moves; the shape is kept once it has all of them. */
export function set(kit: Kit, ground: Ground): void {
  const now = placedOn(kit, ground);
  if (!now) return;
  const found = settle(now.shape);
  if ("next" in found) kit.placing.value = { on: ground.key, shape: found.next };
  else finish(kit, ground, now.shape, found.points);
}

function finish(
  kit: Kit,
  ground: Ground,
  { kind, spot }: { readonly kind: Kind; readonly spot: Placing["spot"] },
  points: readonly Point[],
): void {
  kit.placing.value = null;
  const shelf = kit.shelfOf(ground);
  const id = newKey();
  shelf.put(measured(ground, { id, kind, ...spot, points: ground.kept(points) }));
  shelf.selected.value = id;
}

/**
 * An unfinished shape on what a ground shows, with its points; null where there is none.
 * Begun on another image it is none of this one: its points would lie on two.
 */
export function placedOn(
  kit: Kit,
  ground: Ground,
): { shape: Placing; points: readonly Point[] } | null {
  const now = kit.placing.value;
  const spot = ground.spot();
  if (!now || !spot || now.on !== ground.key) return null;
  if (whereKey(now.shape.spot) !== whereKey(spot)) return null;
  return { shape: now.shape, points: drawn(now.shape) };
}
