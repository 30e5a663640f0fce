/** The images of a reading: loaded once, kept within bounds, fetched ahead of the reader. */

import { signal } from "@preact/signals";
import type { Picture } from "../pixels/picture";
import { imageKey } from "../stage";
import { Cache } from "./cache";
import type { ImageInfo } from "./image";
import { loadPicture } from "./picture";
import { Queue, URGENT } from "./queue";
import { pictureBytes } from "./size";

/** A place where somebody looks, and what lies around it. */
export interface Focus {
  readonly images: readonly ImageInfo[];
  readonly index: number;
  /** 1: going on, -1: going back; what lies that way is fetched first. */
  readonly heading: 1 | -1;
}

const MEGABYTE = 1 << 20;
const MOST_BYTES = 512 * MEGABYTE;
/** Of the bound that is filled ahead; the rest holds what was seen before. */
const AHEAD = 0.7;
/** Requests that wait at a time; more come as these end. */
const WAITING = 6;

/** Pictures by image. */
export class Library {
  private readonly cache = new Cache<Picture>(
    boundFor(navigator as { deviceMemory?: number }),
  );
  private readonly queue = new Queue<Picture>();
  private readonly failed = new Map<string, unknown>();
  private foci: readonly Focus[] = [];
  private isAnnounced = false;
  /** Grows when something was loaded; read it to be told. */
  readonly changes = signal(0);

  /** The picture if it is here. */
  peek(image: ImageInfo): Picture | undefined {
    return this.cache.get(imageKey(image.address));
  }

  has(image: ImageInfo): boolean {
    return this.cache.has(imageKey(image.address));
  }

  /** The picture, before everything else; failures can be asked again. */
  async show(image: ImageInfo): Promise<Picture> {
    this.failed.delete(imageKey(image.address));
    return this.peek(image) ?? (await this.load(image, URGENT));
  }

  /** Fetch ahead around these places and nothing else. */
  focus(foci: readonly Focus[]): void {
    this.foci = foci;
    const ranks = new Map(this.ahead().map((image, rank) => [keyOf(image), rank]));
    this.queue.rerank((key) => ranks.get(key) ?? null);
    this.fetchAhead();
  }

  /** Try again ahead what failed before. */
  forgive(): void {
    this.failed.clear();
    this.fetchAhead();
  }

  /** Stop everything. */
  close(): void {
    this.foci = [];
    this.queue.rerank(() => null);
  }

  private load(image: ImageInfo, rank: number): Promise<Picture> {
    const key = keyOf(image);
    return this.queue.want(key, rank, async (abort) => {
      try {
        const picture = await loadPicture(image, abort);
        this.cache.put(key, picture);
        return picture;
      } catch (error) {
        if (!abort.aborted) this.failed.set(key, error);
        throw error;
      } finally {
        this.announce();
        if (!abort.aborted) queueMicrotask(() => this.fetchAhead());
      }
    });
  }

  /** Once a frame at most: listeners draw. */
  private announce(): void {
    if (this.isAnnounced) return;
    this.isAnnounced = true;
    setTimeout(() => {
      this.isAnnounced = false;
      this.changes.value += 1;
    }, 50);
  }

  private fetchAhead(): void {
    for (const [rank, image] of this.ahead().entries()) {
      // Nothing comes ahead of the first image that somebody waits for.
      if (this.queue.size >= WAITING || (rank > 0 && this.cache.bytes === 0)) return;
      const key = keyOf(image);
      if (this.cache.has(key) || this.failed.has(key)) continue;
      this.load(image, rank + (rank === 0 ? URGENT : 1)).catch(() => {});
    }
  }

  /** Images worth having, the most wanted first, within the bound. */
  private ahead(): readonly ImageInfo[] {
    const orders = this.foci.map((focus) => outwards(focus));
    const longest = Math.max(0, ...orders.map((order) => order.length));
    const found: ImageInfo[] = [];
    let bytes = 0;
    for (let rank = 0; rank < longest; rank += 1) {
      for (const order of orders) {
        const image = order[rank];
        if (!image) continue;
        bytes += pictureBytes(image);
        if (rank > 0 && bytes > AHEAD * this.cache.most) return found;
        found.push(image);
      }
    }
    return found;
  }
}

/** Images from the place outwards: two the way the reader goes for one behind. */
export function outwards({ images, index, heading }: Focus): readonly ImageInfo[] {
  const found: ImageInfo[] = [];
  const add = (at: number) => {
    const image = images[at];
    if (image) found.push(image);
  };
  add(index);
  let [front, back] = [index, index];
  while (found.length < images.length) {
    const before = found.length;
    for (let step = 0; step < 2; step += 1) {
      front += heading;
      add(front);
    }
    back -= heading;
    add(back);
    const isOver = front < 0 || front >= images.length;
    if (isOver && (back < 0 || back >= images.length) && found.length === before) break;
  }
  return found;
}

function keyOf(image: ImageInfo): string {
  return imageKey(image.address);
}

/** An eighth of the machine's memory, half a gigabyte at most. */
function boundFor(machine: { deviceMemory?: number }): number {
  const gigabytes = machine.deviceMemory ?? 4;
  return Math.min(MOST_BYTES, (gigabytes * 1024 * MEGABYTE) / 8);
}
