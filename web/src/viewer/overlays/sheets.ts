/** Overlay planes as coloured pictures, made once while their image is on the screen. */

import { type Signal, signal } from "@preact/signals";
import type { ImageInfo } from "../load/image";
import type { OverlayPlane } from "../load/overlay_planes";
import { paintOverlay, type Rgb } from "../pixels/overlay";
import type { Picture } from "../pixels/picture";
import { bitsOf } from "./state";

/** What a pane shows. */
interface Seen {
  readonly image: ImageInfo;
  readonly picture: Picture;
}

/** A plane that is on its way, drawn, or cannot be. */
export type Sheet =
  | { readonly kind: "loading" }
  | { readonly kind: "here"; readonly canvas: OffscreenCanvas }
  | { readonly kind: "failed" };

const FAILED: Sheet = { kind: "failed" };

/** Sheets of the image that a pane shows. */
export class Sheets {
  private of: Seen | null = null;
  private readonly kept = new Map<number, Sheet>();
  /** Grows when a sheet was loaded; read it to be told. */
  readonly changes: Signal<number> = signal(0);

  /** The sheet of a plane; it is begun where it is not there. */
  sheet(seen: Seen, plane: OverlayPlane, colour: Rgb): Sheet {
    if (this.of?.picture !== seen.picture) this.kept.clear();
    this.of = seen;
    const known = this.kept.get(plane.place);
    if (known) return known;
    const begun: Sheet = { kind: "loading" };
    this.kept.set(plane.place, begun);
    void this.load(seen, plane, colour);
    return begun;
  }

  private async load(seen: Seen, plane: OverlayPlane, colour: Rgb): Promise<void> {
    const made = await bitsOf(plane, seen.image, seen.picture)
      .then((bits) => (bits ? drawn(plane, bits, colour) : FAILED))
      .catch(() => FAILED); // also a plane for which there is no room
    if (this.of?.picture !== seen.picture) return; // the reader went on
    this.kept.set(plane.place, made);
    this.changes.value += 1;
  }
}

function drawn(plane: OverlayPlane, bits: Uint8Array, colour: Rgb): Sheet {
  const canvas = new OffscreenCanvas(plane.columns, plane.rows);
  const context = canvas.getContext("2d");
  if (!context) return FAILED;
  const data = context.createImageData(plane.columns, plane.rows);
  paintOverlay(bits, colour, data.data);
  context.putImageData(data, 0, 0);
  return { kind: "here", canvas };
}
