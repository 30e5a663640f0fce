/** Panes that scroll and window together. */

import { effect, type Signal, signal, untracked } from "@preact/signals";
import { text } from "~/viewer/load/dicom_json";
import type { ImageInfo } from "~/viewer/load/image";
import type { Desk } from "~/viewer/stack/desk";
import { goTo, type Pane } from "~/viewer/stack/pane_state";
import { follow, type Link, type Located, linkOf } from "./link";

/** What is linked on a desk. */
export interface Linking {
  readonly isScrolled: Signal<boolean>;
  readonly isWindowed: Signal<boolean>;
  /** How the last link was made; null while there is none. */
  readonly by: Signal<Link["by"] | null>;
}

const linkings = new WeakMap<Desk, Linking>();

/** The links of a desk. */
export function linkingOf(desk: Desk): Linking {
  const made = linkings.get(desk) ?? {
    isScrolled: signal(false),
    isWindowed: signal(false),
    by: signal<Link["by"] | null>(null),
  };
  linkings.set(desk, made);
  return made;
}

const FRAME_OF_REFERENCE = "00200052";

/** Where the images of a pane lie. */
export function locatedOf(images: readonly ImageInfo[]): readonly Located[] {
  return images.map(({ plane, data }) => ({
    position: plane?.position ?? null,
    orientation: plane ? [plane.alongRow, plane.alongColumn] : null,
    frameOfReference: String(data[FRAME_OF_REFERENCE]?.Value?.[0] ?? ""),
  }));
}

interface Follower {
  readonly pane: Pane;
  readonly link: Link;
  readonly leads: readonly Located[];
  readonly follows: readonly Located[];
}

/** Keep panes together while they are linked; returns what ends it. */
export function keepLinked(desk: Desk): () => void {
  const linking = linkingOf(desk);
  let followers: readonly Follower[] = [];
  const ends = [
    effect(() => {
      const leader = desk.activePane.value;
      const isOn = linking.isScrolled.value;
      const others = desk.panes.value.filter((pane) => pane !== leader);
      const lists = [leader, ...others].map((pane) => pane.images.value);
      untracked(() => {
        followers = isOn ? linked(leader, others, lists) : [];
        const [first] = followers;
        linking.by.value = first ? first.link.by : null;
      });
    }),
    effect(() => {
      const at = desk.activePane.value.index.value;
      untracked(() => {
        for (const { pane, link, leads, follows } of followers) {
          goTo(pane, follow(link, leads, at, follows));
        }
      });
    }),
    effect(() => shareWindow(desk, linking)),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function linked(
  leader: Pane,
  others: readonly Pane[],
  lists: readonly (readonly ImageInfo[])[],
): readonly Follower[] {
  const leads = locatedOf(lists[0] ?? []);
  return others.flatMap((pane, at) => {
    const follows = locatedOf(lists[at + 1] ?? []);
    if (leads.length === 0 || follows.length === 0) return [];
    const link = linkOf(leads, leader.index.peek(), follows, pane.index.peek());
    return [{ pane, link, leads, follows }];
  });
}

/** A window of one modality says nothing for another. */
function shareWindow(desk: Desk, linking: Linking): void {
  const leader = desk.activePane.value;
  const [voi, isInverted] = [leader.voi.value, leader.isInverted.value];
  if (!linking.isWindowed.value) return;
  untracked(() => {
    for (const pane of desk.panes.peek()) {
      if (pane === leader || modalityOf(pane) !== modalityOf(leader)) continue;
      pane.voi.value = voi?.kind === "table" ? pane.voi.peek() : voi;
      pane.isInverted.value = isInverted;
    }
  });
}

function modalityOf(pane: Pane): string {
  const image = pane.image.peek();
  return image ? text(image.data, "Modality") : "";
}
