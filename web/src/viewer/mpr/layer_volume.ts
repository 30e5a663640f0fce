/** Maps and masks of a series' slices as volumes, so that planes can cut them, too. */

import { type Signal, signal } from "@preact/signals";
import type { Grey } from "~/viewer/layers/contour";
import { fetchGrey } from "~/viewer/layers/source";
import type { ImageInfo } from "~/viewer/load/image";
import {
  type EvidenceLayer,
  imageKey,
  type MaskLayer,
  type Painted,
} from "~/viewer/stage";
import type { Volume } from "./reslice";
import { type Frame, regridded } from "./volume";

export type PictureLayer = EvidenceLayer | MaskLayer;

/** What is known of a layer's volume. */
export type LayerSource =
  | { readonly kind: "loading" | "failed" | "misfit" | "large" }
  | { readonly kind: "here"; readonly volume: Volume };

/** Requests at a time, as of the slices themselves. */
const AT_ONCE = 4;
/** How long a failure stands before a later look asks again. */
const PATIENCE_MS = 15_000;
/** Bytes of one layer. */
export const MOST_LAYER_BYTES = 512e6;

/** The volumes of the layers over one series; masks of one result share theirs. */
export class LayerVolumes {
  private readonly kept = new Map<string, Signal<LayerSource>>();
  private readonly abort = new AbortController();

  constructor(
    private readonly images: readonly ImageInfo[],
    private readonly frame: Frame,
  ) {}

  /** The volume of a layer, null where it has nothing on the series; read it in an effect. */
  of(layer: PictureLayer): Signal<LayerSource> | null {
    const addresses = this.slices().map(({ address }) => layer.pictureOf(address));
    if (addresses.every((each) => each === null)) return null;
    const key = `${layer.kind} ${addresses.join(" ")}`;
    const known = this.kept.get(key);
    if (known) return known;
    const found = signal<LayerSource>({ kind: "loading" });
    this.kept.set(key, found);
    this.load(addresses)
      .then((pictures) => {
        found.value = volumeOfPictures(pictures, this.frame, layer.kind);
      })
      .catch(() => {
        if (this.abort.signal.aborted) return;
        found.value = { kind: "failed" };
        setTimeout(() => this.kept.delete(key), PATIENCE_MS);
      });
    return found;
  }

  /** The mask with what a reader painted on some of its slices. */
  painted({ frame, slices }: Volume, layer: MaskLayer, painted: Painted): Volume {
    const images = this.slices();
    return {
      frame,
      slices: slices.map((slice, at) => {
        const image = images[at];
        const drawn = image && painted.get(imageKey(image.address));
        if (drawn?.length !== slice.length) return slice;
        return Uint8Array.from(drawn, (isIn) => (isIn ? layer.value : 0));
      }),
    };
  }

  /** Nothing more is asked for. */
  close(): void {
    this.abort.abort();
  }

  private slices(): readonly ImageInfo[] {
    return this.frame.order.flatMap((at) => this.images[at] ?? []);
  }

  private async load(addresses: readonly (string | null)[]): Promise<(Grey | null)[]> {
    const found: (Grey | null)[] = addresses.map(() => null);
    let next = 0;
    const work = async () => {
      while (next < addresses.length) {
        const at = next;
        next += 1;
        const address = addresses[at];
        if (address) found[at] = await fetchGrey(address, this.abort.signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return found;
  }
}

/**
 * Pictures of slices as a volume; a slice without one has none of the layer.
 *
 * @param pictures in the order of `frame.depths`.
 */
export function volumeOfPictures(
  pictures: readonly (Grey | null)[],
  frame: Frame,
  kind: PictureLayer["kind"],
): LayerSource {
  const first = pictures.find((each) => each !== null);
  if (!first) return { kind: "failed" };
  const { rows, columns } = first;
  const isAlike = pictures.every(
    (each) => !each || (each.rows === rows && each.columns === columns),
  );
  const isFit = kind === "evidence" || (rows === frame.rows && columns === frame.columns);
  if (!isAlike || !isFit) return { kind: "misfit" };
  if (rows * columns * pictures.length > MOST_LAYER_BYTES) return { kind: "large" };
  const nothing = new Uint8Array(rows * columns);
  return {
    kind: "here",
    volume: {
      frame: regridded(frame, rows, columns),
      slices: pictures.map((each) => each?.values ?? nothing),
    },
  };
}
