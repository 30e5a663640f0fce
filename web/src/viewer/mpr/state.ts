/** What the three planes share: one point, one window, one slab. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ImageInfo } from "~/viewer/load/image";
import {
  type Extent,
  type View as Laid,
  type Matrix,
  matrixOf,
  type Size,
  START,
} from "~/viewer/stack/view";
import { imageKey } from "~/viewer/stage";
import { KINDS } from "~/viewer/tools/shape";
import {
  AXES,
  atStep,
  depthOn,
  into,
  middleOf,
  planeOf,
  stepsOf,
  VIEWS,
  type View,
} from "./planes";
import { type Plane, reslice, slab, type Volume, without } from "./reslice";
import { add, type Vector } from "./vector";

/** What the left button does on a plane, beside measuring. */
export const BASIC_HANDS = ["crosshair", "window", "pan", "zoom"] as const;
/** All that it can do. */
export const HANDS: readonly string[] = [...BASIC_HANDS, ...KINDS];

/** One of the three views. */
export interface PlaneView {
  readonly view: View;
  readonly plane: ReadonlySignal<Plane>;
  readonly values: ReadonlySignal<Float32Array>;
  /** The same, NaN also where padding had a share: what statistics are made of. */
  readonly measurable: ReadonlySignal<Float32Array>;
  readonly laid: Signal<Laid>;
  readonly size: Signal<Size>;
  readonly extent: ReadonlySignal<Extent>;
  /** Pixels of the plane → pixels of the canvas. */
  readonly matrix: ReadonlySignal<Matrix | null>;
}

/** The planes of a volume. */
export interface Planes {
  readonly volume: Volume;
  /** What it is made of: `volume.frame.order` counts these, however many come later. */
  readonly images: readonly ImageInfo[];
  readonly point: Signal<Vector>;
  /** One of `HANDS`. */
  readonly hand: Signal<string>;
  /** mm; 0 is one plane. */
  readonly thickness: Signal<number>;
  readonly active: Signal<View>;
  readonly views: readonly PlaneView[];
}

/** Planes through the middle of a volume. */
export function createPlanes(volume: Volume, images: readonly ImageInfo[]): Planes {
  const point = signal(middleOf(volume.frame));
  const thickness = signal(0);
  const viewOf = (view: View): PlaneView => {
    const [x, y, z] = AXES[view].normal;
    // Moving within a plane leaves it as it is: only the way along its normal counts.
    const depth = computed(() => {
      const [px, py, pz] = point.value;
      return x * px + y * py + z * pz;
    });
    const plane = computed(() => {
      const at = depth.value;
      return planeOf(volume.frame, view, [x * at, y * at, z * at]);
    });
    const cut = (of: Volume) =>
      thickness.value > 0
        ? slab(of, plane.value, AXES[view].normal, thickness.value)
        : reslice(of, plane.value);
    const values = computed(() => cut(volume));
    const measurable = computed(() =>
      volume.known
        ? without(values.value, cut({ frame: volume.frame, slices: volume.known }))
        : values.value,
    );
    const [laid, size] = [signal(START), signal<Size>({ width: 0, height: 0 })];
    const { rows, columns } = plane.peek();
    const extent = signal<Extent>({ rows, columns, wide: 1, high: 1 });
    const matrix = computed(() =>
      size.value.width > 0 ? matrixOf(laid.value, extent.value, size.value) : null,
    );
    return { view, plane, values, measurable, laid, size, extent, matrix };
  };
  return {
    volume,
    images,
    point,
    thickness,
    hand: signal("crosshair"),
    active: signal<View>("axial"),
    views: VIEWS.map(viewOf),
  };
}

/** Go some planes on in a view. */
export function scroll(planes: Planes, view: View, by: number): void {
  const { frame } = planes.volume;
  const { at, count } = stepsOf(frame, view, planes.point.peek());
  goTo(planes, view, Math.min(Math.max(at + by, 0), count - 1));
}

/** Go to a plane of a view, from 0. */
export function goTo(planes: Planes, view: View, step: number): void {
  planes.point.value = atStep(planes.volume.frame, view, planes.point.peek(), step);
}

/** Move the crosshair on a view, in pixels of its plane. */
export function moveCross(
  planes: Planes,
  view: View,
  [x, y]: readonly [number, number],
): void {
  const { along, down } = AXES[view];
  const { size } = planes.views.find((each) => each.view === view)?.plane.peek() ?? {
    size: 1,
  };
  const moved = add(add(planes.point.peek(), along, x * size), down, y * size);
  planes.point.value = into(planes.volume.frame, moved);
}

/** Go to the plane of a slice; false where the volume has none of that key. */
export function goToSlice({ volume, images, point }: Planes, key: string): boolean {
  const { frame } = volume;
  const place = images.findIndex((each) => imageKey(each.address) === key);
  const depth = frame.depths[frame.order.indexOf(place)];
  if (depth === undefined) return false;
  point.value = depthOn(frame, point.peek(), depth);
  return true;
}

/** Everything as it was at first. */
export function resetPlanes(planes: Planes): void {
  planes.point.value = middleOf(planes.volume.frame);
  planes.thickness.value = 0;
  for (const { laid } of planes.views) laid.value = START;
}
