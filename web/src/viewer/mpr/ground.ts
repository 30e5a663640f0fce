/** A plane through a volume as something to measure on. */

import { computed } from "@preact/signals";
import type { Pane } from "~/viewer/stack/pane_state";
import type { Ground } from "~/viewer/tools/ground";
import type { Spot } from "~/viewer/tools/place";
import { AXES, stepOf, throughOf } from "./planes";
import type { Plane } from "./reslice";
import { HANDS, type Planes, type PlaneView } from "./state";
import { dot } from "./vector";

/** A point of a plane: in its pixels, or in mm of the patient along its axes. */
type Point = readonly [number, number];

/** The ground of each view. */
export type Grounds = ReadonlyMap<PlaneView, Ground>;

/** All views of a volume as grounds. */
export function groundsOf(pane: Pane, planes: Planes): Grounds {
  return new Map(planes.views.map((of) => [of, groundOf(pane, planes, of)]));
}

function groundOf(pane: Pane, planes: Planes, of: PlaneView): Ground {
  const series = pane.series.peek()?.series_uid ?? "";
  const extent = computed(() => {
    const { rows, columns } = of.plane.value;
    return { rows, columns };
  });
  const depth = computed(() => dot(AXES[of.view].normal, planes.point.value));
  const spot = (): Spot => ({
    series,
    where: {
      kind: "plane",
      view: of.view,
      at: depth.value,
      slab: planes.thickness.value,
    },
  });
  return {
    key: `plane-${of.view}`,
    study: () => pane.study.value?.id ?? 0,
    tools: HANDS,
    tool: planes.hand,
    placed: of.matrix,
    extent,
    spot,
    values: () => {
      const { rows, columns } = of.plane.value;
      const values = of.measurable.value;
      const picture = pane.shown.value?.picture;
      const unit = picture?.kind === "grey" ? picture.modality.unit : "";
      return { rows, columns, unit, at: (index) => values[index] ?? Number.NaN };
    },
    calibration: () => {
      const { size } = of.plane.value;
      return { spacing: [size, size], unit: "mm", basis: "patient" };
    },
    holds: (shape) =>
      shape.where.kind === "plane" &&
      shape.where.view === of.view &&
      shape.series === series &&
      // Nearer to this plane than to its neighbours.
      Math.abs(shape.where.at - depth.value) <= stepOf(planes.volume.frame) / 2 + 1e-6,
    seen: ({ points }) => points.map((point) => toPixels(of.plane.value, point)),
    kept: (points) => points.map((point) => toMm(of.plane.value, point)),
    isFree: () => true,
    take: () => {
      planes.active.value = of.view;
    },
  };
}

/** mm of the patient along both axes of a plane → its pixels, edges from 0. */
export function toPixels(plane: Plane, [along, down]: Point): Point {
  const [x, y] = startOf(plane);
  return [(along - x) / plane.size, (down - y) / plane.size];
}

/** The way back. */
export function toMm(plane: Plane, [column, row]: Point): Point {
  const [x, y] = startOf(plane);
  return [x + column * plane.size, y + row * plane.size];
}

/** The upper left corner of the first pixel, whose centre is the origin. */
function startOf({ origin, along, down, size }: Plane): Point {
  return [dot(along, origin) - size / 2, dot(down, origin) - size / 2];
}

/** The point with the depth of a measured plane, so that this is the plane that is seen. */
export function goToPlane(planes: Planes, view: PlaneView["view"], at: number): void {
  planes.active.value = view;
  planes.point.value = throughOf(planes.point.peek(), view, at);
}

/** Go to what a measurement lies on; false where that is no plane through this volume. */
export function goToMeasured(planes: Planes, { series, where }: Spot): boolean {
  if (where.kind !== "plane" || series !== planes.images[0]?.series) return false;
  planes.thickness.value = where.slab;
  goToPlane(planes, where.view, where.at);
  return true;
}
