/** What one pane shows: series, image, window and view. No page here. */

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { ImageInfo } from "../load/image";
import type { SeriesLine, WholeStudy } from "../load/study";
import type { Picture } from "../pixels/picture";
import type { Voi } from "../pixels/voi";
import {
  type Extent,
  extentOf,
  type Matrix,
  matrixOf,
  type Size,
  START,
  scaled,
  type View,
  zoomOf,
} from "./view";

/** How far a pane is with what it should show. */
export type Progress =
  | { readonly kind: "empty" }
  | { readonly kind: "listing" }
  | { readonly kind: "loading" }
  | { readonly kind: "shown" }
  | { readonly kind: "failed"; readonly error: unknown };

/** One pane. The signals are written by the loader, the tools and the page. */
export interface Pane {
  readonly id: number;
  readonly study: Signal<WholeStudy | null>;
  readonly series: Signal<SeriesLine | null>;
  /** In their order; grows once where a long series is opened by its first image. */
  readonly images: Signal<readonly ImageInfo[]>;
  readonly index: Signal<number>;
  /** The way the reader goes through the stack. */
  readonly heading: Signal<1 | -1>;
  readonly progress: Signal<Progress>;
  /** Why the list did not come, where only its first image did; else null. */
  readonly unlisted: Signal<unknown>;
  readonly image: ReadonlySignal<ImageInfo | null>;
  /** The last picture that was there, with the image that it is of. */
  readonly shown: Signal<{ readonly image: ImageInfo; readonly picture: Picture } | null>;
  /** A JPEG of the service, while the picture itself is on its way. */
  readonly preview: Signal<{
    readonly image: ImageInfo;
    readonly drawn: CanvasImageSource;
  } | null>;
  /** Set by the reader; null: what the file asks for. */
  readonly voi: Signal<Voi | null>;
  readonly isInverted: Signal<boolean>;
  /** What is used now; null before there is a picture. */
  readonly usedVoi: ReadonlySignal<Voi | null>;
  readonly view: Signal<View>;
  /** Pixels of the canvas. */
  readonly size: Signal<Size>;
  /** Pixels of the canvas for one of CSS. */
  readonly ratio: Signal<number>;
  readonly extent: ReadonlySignal<Extent | null>;
  /** Pixels of the image → pixels of the canvas. */
  readonly matrix: ReadonlySignal<Matrix | null>;
  /** Pixels of the image → CSS pixels from the pane's upper left, for what lies over it. */
  readonly placed: ReadonlySignal<Matrix | null>;
  readonly zoom: ReadonlySignal<number>;
}

/** An empty pane. */
export function createPane(id: number): Pane {
  const images = signal<readonly ImageInfo[]>([]);
  const index = signal(0);
  const image = computed(() => images.value[index.value] ?? null);
  const shown: Pane["shown"] = signal(null);
  const preview: Pane["preview"] = signal(null);
  const voi = signal<Voi | null>(null);
  const view = signal(START);
  const size = signal<Size>({ width: 0, height: 0 });
  const ratio = signal(1);
  const seen = computed(
    () => shown.value?.image ?? preview.value?.image ?? image.value ?? null,
  );
  const extent = computed(() => (seen.value ? extentOf(seen.value) : null));
  const matrix = computed(() =>
    extent.value && size.value.width > 0
      ? matrixOf(view.value, extent.value, size.value)
      : null,
  );
  return {
    id,
    study: signal<WholeStudy | null>(null),
    series: signal<SeriesLine | null>(null),
    images,
    index,
    heading: signal<1 | -1>(1),
    progress: signal<Progress>({ kind: "empty" }),
    unlisted: signal<unknown>(null),
    image,
    shown,
    preview,
    voi,
    isInverted: signal(false),
    usedVoi: computed(() => voi.value ?? shown.value?.picture.vois[0] ?? null),
    view,
    size,
    ratio,
    extent,
    matrix,
    placed: computed(() => (matrix.value ? scaled(matrix.value, 1 / ratio.value) : null)),
    zoom: computed(() =>
      extent.value && size.value.width > 0
        ? zoomOf(view.value, extent.value, size.value)
        : 1,
    ),
  };
}

/** Whether all images of the pane's series are in its list, not the first ones alone. */
export function isListed(pane: Pane): boolean {
  const [study, series, images] = [
    pane.study.value,
    pane.series.value,
    pane.images.value,
  ];
  const [first] = images;
  if (!first || !series || first.series !== series.series_uid) return false;
  // An instance may be many images.
  const instances = new Set(images.map(({ address }) => address.sop));
  return first.study === study?.study_uid && instances.size >= series.instance_count;
}

/** Go to an image; places outside are the nearest inside. */
export function goTo(pane: Pane, index: number): void {
  const last = pane.images.peek().length - 1;
  const to = Math.max(0, Math.min(last, Math.round(index)));
  const from = pane.index.peek();
  if (to === from) return;
  pane.heading.value = to > from ? 1 : -1;
  pane.index.value = to;
}

/** Go some images on, or back. */
export function step(pane: Pane, by: number): void {
  goTo(pane, pane.index.peek() + by);
}
