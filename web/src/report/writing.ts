/** The state of one study's report: the draft, its versions, and signing. */

import { effect, type Signal, signal } from "@preact/signals";
import { api, newKey, ok } from "~/core/api/client";
import { ProblemError } from "~/core/api/problem";
import { draft, forget } from "~/core/drafts";
import { line } from "~/core/events";
import { may } from "~/core/session";
import { type Lang, lang } from "~/core/text/lang";
import { explain } from "~/shell/toast";
import { Autosave, type Kept } from "./autosave";
import {
  type Content,
  emptyContent,
  isEmpty,
  type Version,
  type VersionLine,
} from "./content";

/** What is to be kept: with a signature or without, and why a signed one is changed. */
interface Wish {
  readonly sign: boolean;
  readonly reason: string;
}

/** One open study's report. */
export interface Writing {
  readonly study: number;
  readonly isLoaded: Signal<boolean>;
  readonly error: Signal<unknown>;
  readonly versions: Signal<readonly VersionLine[]>;
  /** The version that is shown instead of the editor; null while a reader writes. */
  readonly shown: Signal<Version | null>;
  readonly isSigning: Signal<boolean>;
  /** Signed a moment ago: Enter then goes on to the next study. */
  readonly isFresh: Signal<boolean>;
  readonly save: Autosave;
  readonly load: () => Promise<void>;
  readonly show: (version: number) => Promise<void>;
  /** Write on from the version that is shown. */
  readonly amend: () => void;
  /** Drop the draft and go back to the newest version. */
  readonly drop: () => Promise<void>;
  /** What readers said meanwhile goes into a draft that nobody touched. */
  readonly refresh: () => Promise<void>;
  readonly turnTo: (lang: Lang) => Promise<void>;
  /** Draft anew; gives back what was there. */
  readonly redraft: () => Promise<Content>;
  /** Keep a version for good; its number. */
  readonly keep: (wish: Wish) => Promise<number>;
  readonly close: () => void;
}

/** Begin to write the report of a study. */
export function createWriting(study: number): Writing {
  const path = { study };
  const draftKey = `report/${study}`;
  const start: Kept = {
    revision: 0,
    content: emptyContent(lang.peek()),
    isDirty: false,
    others: {},
  };
  const isLoaded = signal(false);
  const error = signal<unknown>(null);
  const versions = signal<readonly VersionLine[]>([]);
  const shown = signal<Version | null>(null);
  const isSigning = signal(false);
  const isFresh = signal(false);
  // Of a version on its way: a try after a lost line is the same wish.
  const keys = new Map<string, string>();

  const read = () => ok(api.GET("/api/v1/studies/{study}/report", { params: { path } }));
  const suggest = (of: Lang) =>
    ok(
      api.GET("/api/v1/studies/{study}/report/suggestion", {
        params: { path, query: { lang: of } },
      }),
    );
  const save = new Autosave(draft<Kept>(draftKey, start), {
    put: (revision, content) =>
      ok(
        api.PUT("/api/v1/studies/{study}/report/draft", {
          params: { path },
          body: { revision, content },
        }),
      ),
    read: async () => (await read()).draft,
    explain,
  });
  const stop = effect(() => {
    if (line.value === "open" && save.state.peek() === "lost") save.saveNow();
  });

  const setContent = (content: Content) => {
    save.kept.value = { ...save.kept.peek(), content, isDirty: false };
  };
  const show = async (version: number) => {
    shown.value = await ok(
      api.GET("/api/v1/studies/{study}/report/versions/{version}", {
        params: { path: { study, version } },
      }),
    );
  };

  const load = async () => {
    error.value = null;
    try {
      const found = await read();
      versions.value = found.versions;
      const isOurs = save.kept.peek().isDirty;
      const [newest] = found.versions;
      if (may("read")) save.open(found.draft);
      if (isOurs || found.draft) shown.value = null;
      else if (newest) await startFrom(newest);
      else if (may("read") && isEmpty(save.kept.peek().content)) {
        setContent(await suggest(lang.peek()));
      }
      isLoaded.value = true;
    } catch (failure) {
      error.value = failure;
    }
  };

  /** A signed report is read; one that nobody signed is written on. */
  const startFrom = async (newest: VersionLine) => {
    await show(newest.version);
    if (newest.is_signed || !may("read")) return;
    if (shown.value) setContent(shown.value.content);
    shown.value = null;
  };

  const post = async (wish: Wish) => {
    const { content, revision: draft_revision } = save.kept.peek();
    const expected_version = versions.peek()[0]?.version ?? 0;
    const body = { content, expected_version, draft_revision, ...wish };
    const said = JSON.stringify(body);
    const key = keys.get(said) ?? newKey();
    keys.set(said, key);
    const made = await ok(
      api.POST("/api/v1/studies/{study}/report/versions", {
        params: { path, header: { "Idempotency-Key": key } },
        body,
      }),
    );
    return { made, content };
  };

  /** Our own save whose reply was lost is no newer draft. */
  const postOrMeet = async (wish: Wish) => {
    try {
      return await post(wish);
    } catch (failure) {
      if (!isProblem(failure, "draft-changed")) throw failure;
      if (!save.meet((await read()).draft)) throw failure;
      return await post(wish);
    }
  };

  const keep = async (wish: Wish) => {
    await save.pause();
    try {
      const { made, content } = await postOrMeet(wish);
      await save.pause();
      versions.value = [made, ...versions.peek()];
      // What was typed while it was on its way begins a new draft.
      if (!save.beginAnew(content)) {
        save.kept.value = { ...start, content };
        forget(draftKey);
      }
      isFresh.value = wish.sign;
      shown.value = wish.sign ? made : null;
      return made.version;
    } catch (failure) {
      save.saveNow();
      if (isProblem(failure, "report-changed")) {
        versions.value = (await read()).versions;
      }
      throw failure;
    }
  };

  return {
    study,
    isLoaded,
    error,
    versions,
    shown,
    isSigning,
    isFresh,
    save,
    load,
    show,
    keep,
    amend: () => {
      if (shown.value) setContent(shown.value.content);
      shown.value = null;
    },
    drop: async () => {
      await save.pause();
      await ok(api.DELETE("/api/v1/studies/{study}/report/draft", { params: { path } }));
      forget(draftKey);
      save.kept.value = start;
      save.state.value = "clean";
      await load();
    },
    refresh: async () => {
      const isTouched = () => {
        const { isDirty, revision } = save.kept.peek();
        return isDirty || revision > 0 || versions.peek().length > 0;
      };
      if (!isLoaded.peek() || !may("read") || isTouched()) return;
      const found = await suggest(save.kept.peek().content.lang);
      if (!isTouched()) setContent(found);
    },
    turnTo: async (to) => {
      const isThere = () => save.kept.peek().content.lang === to;
      if (isThere()) return;
      const other = save.kept.peek().others[to] ?? (await suggest(to));
      if (isThere()) return;
      const { isDirty, revision } = save.kept.peek();
      // Nobody touched it: the other draft is as good as the first one.
      if (!isDirty && revision === 0) setContent(other);
      else save.turnTo(other);
    },
    redraft: async () => {
      const found = await suggest(save.kept.peek().content.lang);
      const before = save.kept.peek().content;
      save.change(found);
      return before;
    },
    close: () => {
      stop();
      save.saveNow();
    },
  };
}

function isProblem(error: unknown, kind: string): boolean {
  return error instanceof ProblemError && error.kind === kind;
}
