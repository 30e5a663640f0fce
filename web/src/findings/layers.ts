/** What lies over the images: evidence, masks and boxes of a result and of its readers. */

import type { components } from "~/core/api/schema";
import {
  type Box,
  type BoxLayer,
  type EvidenceLayer,
  type ImageAddress,
  imageKey,
  type Layer,
  type MaskLayer,
} from "~/viewer/stage";
import { addressOf, type Finding, findingKey, type Result } from "./diagnosis";
import { t } from "./texts";
import { addedTo, isThere, type Word, wordsOn } from "./verdicts";

export type Maps = components["schemas"]["MapsView"];
const COLOURS = 8;

/** What the layers are made of. */
export interface Overlaid {
  readonly result: Result;
  /** Null while they are on their way, or where none was kept. */
  readonly maps: Maps | null;
  readonly words: readonly Word[];
  /** Key of the finding that a reader picked. */
  readonly selected: string | null;
  /** Keys of findings whose layers a reader put away. */
  readonly away: ReadonlySet<string>;
  /** Assessments that a reader looks into although nothing in them should be trusted. */
  readonly opened: ReadonlySet<number>;
  readonly nameOf: (label: string) => string;
}

/** Id of a finding's main layer, which a click on it selects. */
export function layerOf(key: string): string {
  return `box/${key}`;
}

/** Key of the finding that a layer belongs to; null for one of another kind. */
export function findingOf(layer: string): string | null {
  return /^(?:box|evidence|mask)\/(\d+\/[^/]+)/.exec(layer)?.[1] ?? null;
}

/** The layer colour of a finding: the same wherever it is shown. */
export function colourOf(result: Result, key: string): number {
  const all = result.diagnosis.assessments.flatMap((each, at) =>
    each.findings.map((finding) => findingKey(at, finding.id)),
  );
  return Math.max(0, all.indexOf(key)) % COLOURS;
}

/** All layers, those below first: evidence, masks, boxes. */
export function layersOf(given: Overlaid): readonly Layer[] {
  const { assessments } = given.result.diagnosis;
  const each = assessments.flatMap((assessment, at) =>
    // Of images that are unlike the training images nothing is drawn by itself: no
    // place of a finding should be trusted either.
    assessment.advice === "outside" && !given.opened.has(at)
      ? []
      : assessment.findings.map((finding) => ({ at, finding })),
  );
  return [
    ...each.flatMap(({ at, finding }) => evidence(given, at, finding)),
    ...each.flatMap(({ at, finding }) => mask(given, at, finding)),
    ...each.flatMap(({ at, finding }) => boxes(given, at, finding)),
    ...assessments.flatMap((_, at) => added(given, at)),
  ];
}

/** Whether anything was kept that can be laid over the images for a finding. */
export function hasEvidence(maps: Maps | null, key: string): boolean {
  return (maps?.evidence ?? []).some(
    (each) => findingKey(each.assessment, each.finding) === key && each.slices.length > 0,
  );
}

function base(given: Overlaid, at: number, finding: Finding) {
  const key = findingKey(at, finding.id);
  return {
    key,
    label: given.nameOf(finding.label),
    colour: colourOf(given.result, key),
    isAway: given.away.has(key),
    isSelected: given.selected === key,
  };
}

/** Maps of several findings at once would hide each other: only the picked one has its. */
function evidence(given: Overlaid, at: number, finding: Finding): EvidenceLayer[] {
  const { key, label, colour, isAway, isSelected } = base(given, at, finding);
  const kept = given.maps?.evidence.find(
    (each) => each.assessment === at && each.finding === finding.id,
  );
  if (!kept || kept.slices.length === 0) return [];
  const slices = slicesByImage(kept.slices);
  const root = `/api/v1/results/${given.result.id}/maps/evidence/${at}/${encodeURIComponent(finding.id)}`;
  return [
    {
      kind: "evidence",
      id: `evidence/${key}`,
      label: coarseLabel(label, kept.grid),
      colour,
      isVisible: isSelected && !isAway,
      pictureOf: (image) => pictureAt(root, slices, image),
    },
  ];
}

/** A large source's map was computed with fewer cells than the image has pixels. */
function coarseLabel(label: string, grid: readonly number[] | null | undefined): string {
  const [rows, columns] = grid ?? [];
  if (rows === undefined || columns === undefined) return label;
  return t("coarse", { label, rows, columns });
}

function mask(given: Overlaid, at: number, finding: Finding): MaskLayer[] {
  const { key, label, colour, isAway } = base(given, at, finding);
  const kept = given.maps?.masks.find((each) => each.assessment === at);
  const value = kept?.labels.indexOf(finding.label) ?? -1;
  if (!kept || value < 1) return [];
  const slices = slicesByImage(kept.slices);
  const root = `/api/v1/results/${given.result.id}/maps/masks/${at}`;
  return [
    {
      kind: "mask",
      id: `mask/${key}`,
      label,
      colour,
      value,
      isVisible: !isAway && !isDenied(given, at, finding),
      pictureOf: (image) => pictureAt(root, slices, image),
    },
  ];
}

function boxes(given: Overlaid, at: number, finding: Finding): BoxLayer[] {
  const { key, label, colour, isAway, isSelected } = base(given, at, finding);
  const moved = wordsOn(given.words, key).find((word) => word.box);
  const image = (moved && imageOf(moved)) ?? addressOf(finding.place.image);
  const box = moved?.box ? boxOf(moved.box) : finding.place.box;
  if (!image || !box) return [];
  const isShown = isSelected || (finding.is_present && !isDenied(given, at, finding));
  return [
    {
      kind: "box",
      id: layerOf(key),
      label,
      colour,
      image,
      box,
      isReaders: moved !== undefined,
      isVisible: isShown && !isAway,
    },
  ];
}

function added(given: Overlaid, at: number): BoxLayer[] {
  return addedTo(given.words, at).flatMap(({ key, newest, isThere: isShown }) => {
    const image = imageOf(newest);
    if (!image || !newest.box) return [];
    return [
      {
        kind: "box" as const,
        id: layerOf(key),
        label: given.nameOf(newest.label),
        colour: newest.id % COLOURS,
        image,
        box: boxOf(newest.box),
        isReaders: true,
        isVisible: isShown && !given.away.has(key),
      },
    ];
  });
}

/** The image that a word names: that of a finding which a reader added or moved. */
export function imageOf(word: Word): ImageAddress | null {
  const { image } = word;
  return image ? { sop: image.sop_uid, frame: image.frame ?? 1 } : null;
}

/** The box of a word as a tuple. */
export function boxOf(box: NonNullable<Word["box"]>): Box {
  return [box.left, box.top, box.right, box.bottom];
}

/** By the newest word of any reader it is not there. */
function isDenied(given: Overlaid, at: number, finding: Finding): boolean {
  const [newest] = wordsOn(given.words, findingKey(at, finding.id));
  return newest !== undefined && !isThere(finding, newest);
}

function slicesByImage(
  slices: Maps["evidence"][number]["slices"],
): ReadonlyMap<string, number> {
  return new Map(
    slices.map((each) => [
      imageKey({ sop: each.image.sop_uid, frame: each.image.frame ?? 1 }),
      each.slice,
    ]),
  );
}

function pictureAt(
  root: string,
  slices: ReadonlyMap<string, number>,
  image: ImageAddress,
): string | null {
  const slice = slices.get(imageKey(image));
  return slice === undefined ? null : `${root}/${slice}`;
}
