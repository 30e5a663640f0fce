/** The state of one study's findings: result, layers, words of readers, what is picked. */

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import { api, newKey, ok } from "~/core/api/client";
import { draft } from "~/core/drafts";
import { line } from "~/core/events";
import { me } from "~/core/session";
import { explain } from "~/shell/toast";
import { type Stage, showImage } from "~/viewer/stage";
import { bestImage, type Result, readResult } from "./diagnosis";
import { findingOf, hasEvidence, imageOf, layerOf, layersOf, type Maps } from "./layers";
import { type Placed, stepFrom, walk } from "./order";
import { type Letter, Outbox } from "./outbox";
import { type PaintedSlice, type Saying, send } from "./sending";
import { addedTo, expected, type Judgement, type Word, wordsOn } from "./verdicts";
import { nameOf } from "./words";

/** One open study's findings. */
export interface Reading {
  readonly study: number;
  readonly stage: Stage;
  readonly result: Signal<Result | null>;
  readonly maps: Signal<Maps | null>;
  readonly error: Signal<unknown>;
  /** Words with those on their way. */
  readonly words: Signal<readonly Word[]>;
  readonly outbox: Outbox<Saying>;
  /** Key of the picked finding. */
  readonly selected: Signal<string | null>;
  readonly placed: Signal<readonly Placed[]>;
  readonly away: Signal<ReadonlySet<string>>;
  readonly opened: Signal<ReadonlySet<number>>;
  /** Load a result; null for none. */
  readonly load: (result: number | null) => Promise<void>;
  /** Read the words of all readers anew. */
  readonly refresh: () => Promise<void>;
  /** Pick a finding and show the image that matters. */
  readonly select: (key: string) => void;
  readonly step: (by: number) => void;
  readonly say: (body: Judgement, painted?: readonly PaintedSlice[]) => void;
  readonly close: () => void;
}

/** Begin to read the findings of a study on a stage. */
export function createReading(study: number, stage: Stage): Reading {
  const result = signal<Result | null>(null);
  const maps = signal<Maps | null>(null);
  const error = signal<unknown>(null);
  const kept = signal<readonly Word[]>([]);
  const away = signal<ReadonlySet<string>>(new Set());
  const opened = signal<ReadonlySet<number>>(new Set());
  const letters = draft<readonly Letter<Saying>[]>(`words/${study}`, []);

  const outbox = new Outbox<Saying>(
    letters,
    async (letter) => {
      const word = await send(letter.key, letter.body);
      if (letter.body.result === result.peek()?.id) kept.value = [...kept.value, word];
    },
    explain,
  );
  const words = computed(() => [
    ...kept.value,
    ...onTheirWay(letters.value, result.value?.id, kept.value),
  ]);
  const selected = computed(() => findingOf(stage.selected.value ?? ""));
  const placed = computed(() =>
    result.value ? walk(result.value.diagnosis, opened.value) : [],
  );

  /** Where the keys stop: findings of the models, then those that readers added. */
  const stops = (found: Result | null, said: readonly Word[]) => {
    const added = found ? allAdded(found, said).filter((each) => each.isThere) : [];
    return [...placed.peek(), ...added].map((each) => each.key);
  };
  const ends = [
    effect(() => {
      const found = result.value;
      stage.layers.value = found
        ? layersOf({
            result: found,
            maps: maps.value,
            words: words.value,
            selected: selected.value,
            away: away.value,
            opened: opened.value,
            nameOf: (label) => nameOf(found, label),
          })
        : [];
    }),
    effect(() => {
      if (line.value === "open") untracked(() => outbox.retry());
    }),
  ];

  let asked = 0;
  const load = async (id: number | null) => {
    asked += 1;
    const mine = asked;
    error.value = null;
    if (id === null) {
      result.value = null;
      return;
    }
    const path = { result: id };
    try {
      const [view, said] = await Promise.all([
        ok(api.GET("/api/v1/results/{result}", { params: { path } })),
        ok(api.GET("/api/v1/results/{result}/feedback", { params: { path } })),
      ]);
      if (mine !== asked) return;
      maps.value = null;
      kept.value = said;
      result.value = readResult(view);
      // Pictures may come after the words: a reader need not wait for them.
      const found = await ok(
        api.GET("/api/v1/results/{result}/maps", { params: { path } }),
      );
      if (mine === asked) maps.value = found;
    } catch (failure) {
      if (mine === asked) error.value = failure;
    }
  };

  const refresh = async () => {
    const id = result.peek()?.id;
    if (id === undefined) return;
    const path = { result: id };
    const said = await ok(
      api.GET("/api/v1/results/{result}/feedback", { params: { path } }),
    );
    if (id === result.peek()?.id) kept.value = said;
  };

  const select = (key: string) => {
    stage.selected.value = layerOf(key);
    const image = imageFor(result.peek(), words.peek(), key);
    if (image) showImage(stage, image);
  };

  return {
    study,
    stage,
    result,
    maps,
    error,
    words,
    outbox,
    selected,
    placed,
    away,
    opened,
    load,
    refresh,
    select,
    step: (by) => {
      const next = stepFrom(stops(result.peek(), words.peek()), selected.peek(), by);
      if (next) select(next);
    },
    say: (body, painted = []) => {
      const id = result.peek()?.id;
      if (id === undefined) return;
      const about = body.finding ? `${body.assessment}/${body.finding}` : newKey();
      outbox.put(newKey(), about, { result: id, body, painted });
    },
    close: () => {
      for (const end of ends) end();
      outbox.release();
      outbox.close();
      stage.layers.value = [];
    },
  };
}

/** Whether a finding has something to lay over the image. */
export function isOverlaid(reading: Reading, key: string): boolean {
  return (
    hasEvidence(reading.maps.value, key) ||
    reading.stage.layers.value.some((layer) => findingOf(layer.id) === key)
  );
}

function onTheirWay(
  letters: readonly Letter<Saying>[],
  result: number | undefined,
  kept: readonly Word[],
): readonly Word[] {
  const reader = me.value?.name ?? "";
  return letters
    .filter((letter) => letter.state !== "refused" && letter.body.result === result)
    .map(({ body: { body } }, place) =>
      expected(body, {
        place,
        reader,
        before: wordsOn(kept, `${body.assessment}/${body.finding}`)[0],
      }),
    );
}

function imageFor(result: Result | null, words: readonly Word[], key: string) {
  const moved = wordsOn(words, key).map(imageOf).find(Boolean);
  if (moved) return moved;
  const [at = "", id = ""] = key.split("/");
  const assessment = result?.diagnosis.assessments[Number(at)];
  const finding = assessment?.findings.find((each) => each.id === id);
  if (!assessment || !finding) return null;
  return bestImage(assessment, finding);
}

/** Findings that readers added, of all assessments. */
export function allAdded(result: Result, words: readonly Word[]) {
  return result.diagnosis.assessments.flatMap((_, at) => addedTo(words, at));
}
