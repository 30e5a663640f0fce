/** Maps and masks where a plane cuts them, as pictures of that plane. */

import { computed } from "@preact/signals";
import type { Grey } from "~/viewer/layers/contour";
import { type LaidOver, type SeenPicture, visible } from "~/viewer/layers/seen";
import type { Stage } from "~/viewer/stage";
import type { LayerVolumes, PictureLayer } from "./layer_volume";
import { AXES } from "./planes";
import { type Plane, reslice, slab, type Volume } from "./reslice";
import type { Planes, PlaneView } from "./state";

/** What lies over one view. Boxes are of one slice and are seen on that slice alone. */
export function overPlane(
  stage: Stage,
  planes: Planes,
  of: PlaneView,
  volumes: LayerVolumes,
): LaidOver {
  const pictures = computed(() =>
    visible(stage).flatMap((layer) =>
      layer.kind === "box" ? [] : pictureOf(stage, planes, of, volumes, layer),
    ),
  );
  return {
    pictures: () => pictures.value,
    boxes: () => [],
    extent: of.extent,
    matrix: of.matrix,
    size: of.size,
    placed: of.matrix,
  };
}

function pictureOf(
  stage: Stage,
  planes: Planes,
  of: PlaneView,
  volumes: LayerVolumes,
  layer: PictureLayer,
): SeenPicture[] {
  const source = volumes.of(layer)?.value;
  if (!source) return [];
  const painted = layer.kind === "mask" ? stage.painted.value.get(layer.id) : undefined;
  const said = { layer, value: 1, isPainted: painted !== undefined };
  if (source.kind !== "here") return [{ ...said, state: source.kind, grey: null }];
  const volume =
    layer.kind === "mask" && painted
      ? volumes.painted(source.volume, layer, painted)
      : source.volume;
  const plane = of.plane.value;
  const thickness = planes.thickness.value;
  const grey =
    layer.kind === "mask"
      ? maskOn(volume, layer.value, plane, AXES[of.view].normal, thickness)
      : evidenceOn(volume, plane, AXES[of.view].normal, thickness);
  return [{ ...said, state: "here", grey }];
}

type Normal = (typeof AXES)[keyof typeof AXES]["normal"];

/**
 * Where a plane cuts a mask: 1 for its pixels, each of the voxel that is nearest. Of a slab
 * whatever any of its planes has.
 */
export function maskOn(
  volume: Volume,
  value: number,
  plane: Plane,
  normal: Normal,
  thickness: number,
): Grey {
  const { rows, columns } = plane;
  if (thickness === 0) {
    const found = reslice(volume, plane, "nearest");
    return {
      rows,
      columns,
      values: Uint8Array.from(found, (at) => (at === value ? 1 : 0)),
    };
  }
  const found = slab(aloneIn(volume, value), plane, normal, thickness, "nearest");
  return { rows, columns, values: Uint8Array.from(found, (at) => (at > 0 ? 1 : 0)) };
}

const alone = new WeakMap<Volume, Map<number, Volume>>();

/** One label by itself: in a slab the greatest of several would hide the others. */
function aloneIn(volume: Volume, value: number): Volume {
  const known = alone.get(volume) ?? new Map<number, Volume>();
  alone.set(volume, known);
  const found = known.get(value) ?? {
    frame: volume.frame,
    slices: volume.slices.map((slice) =>
      Uint8Array.from(slice, (at) => (at === value ? 1 : 0)),
    ),
  };
  known.set(value, found);
  return found;
}

/** Support on a plane, 0..255, linear between slices; of a slab the strongest. */
export function evidenceOn(
  volume: Volume,
  plane: Plane,
  normal: Normal,
  thickness: number,
): Grey {
  const found =
    thickness > 0 ? slab(volume, plane, normal, thickness) : reslice(volume, plane);
  const values = Uint8Array.from(found, (at) => (Number.isNaN(at) ? 0 : Math.round(at)));
  return { rows: plane.rows, columns: plane.columns, values };
}
