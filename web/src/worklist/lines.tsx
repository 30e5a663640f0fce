/** The list of lines: of thousands only those on the screen are drawn. */
// biome-ignore-all lint/a11y/useSemanticElements: a table's elements cannot be placed line by line.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names the line (aria-activedescendant).

import { signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { Icon } from "~/shell/icon";
import { Line, lineId } from "./line";
import { bringIntoView, keepInPlace, onScreen } from "./rows";
import { density, keepCount, list, place, selectedAt, selectedId } from "./store";
import { t } from "./texts";

/** Lines before the end from which the next page is asked for. */
const NEAR = 15;
/** Without a key or pointer for so long, somebody watches the top of the list. */
const IDLE_MS = 10_000;

interface Frame {
  readonly scrolled: number;
  readonly height: number;
  readonly lineHeight: number;
}

/** What the page may ask of the list. */
export interface Hold {
  readonly scroller: RefObject<HTMLDivElement | null>;
  /** Lines that fit on the screen. */
  readonly pageOf: () => number;
  readonly toTop: () => void;
}

/** Measures and movement of the list, for the page and its commands. */
export function useHold(): Hold & {
  readonly frame: { value: Frame };
  readonly ruler: RefObject<HTMLDivElement | null>;
} {
  const scroller = useRef<HTMLDivElement>(null);
  const ruler = useRef<HTMLDivElement>(null);
  return useMemo(() => {
    const frame = signal<Frame>({ scrolled: 0, height: 600, lineHeight: 56 });
    return {
      scroller,
      ruler,
      frame,
      pageOf: () =>
        Math.max(1, Math.floor(frame.value.height / frame.value.lineHeight) - 1),
      toTop: () => {
        if (scroller.current) scroller.current.scrollTop = 0;
        list.seen();
      },
    };
  }, []);
}

/** The grid. */
export function Lines({ hold }: { hold: ReturnType<typeof useHold> }) {
  const { frame, scroller, ruler } = hold;
  useMeasures(hold);
  useStillness(hold);
  useSelectionInView(hold);
  useSeen(hold);
  const { studies, next } = list.lines.value;
  const { scrolled, height, lineHeight } = frame.value;
  const [first, last] = onScreen(scrolled, height, lineHeight, studies.length);
  useEffect(() => {
    if (next !== null && last + NEAR > studies.length) void list.more();
  }, [last, studies.length, next]);
  const selected = selectedId.value;
  return (
    <div
      class={`worklist-grid worklist-${density.value}`}
      aria-busy={list.loading.value === "first"}
    >
      <NewAbove hold={hold} />
      <div class="worklist-scroll" ref={scroller}>
        <div class="worklist-ruler" ref={ruler} aria-hidden="true" />
        <div
          class="worklist-table"
          role="grid"
          tabIndex={0}
          aria-label={t("list")}
          aria-rowcount={next === null ? studies.length + 1 : -1}
          aria-activedescendant={
            selectedAt.value >= first && selectedAt.value < last && selected !== null
              ? lineId(selected)
              : undefined
          }
        >
          <Heads />
          <div
            class="worklist-lines"
            role="rowgroup"
            style={{ height: `${studies.length * lineHeight}px` }}
          >
            {studies.slice(first, last).map((study, at) => (
              <Line
                key={study.id}
                study={study}
                at={first + at}
                top={(first + at) * lineHeight}
                isSelected={study.id === selected}
              />
            ))}
          </div>
        </div>
        {next !== null && (
          <div class="worklist-more">
            <button type="button" class="button" onClick={() => void list.more()}>
              {list.loading.value === "more" ? t("loading") : t("loadMore")}
            </button>
          </div>
        )}
      </div>
    </div>
  );
}

const HEADS = [
  "urgency",
  "patient",
  "study",
  "description",
  "found",
  "progress",
] as const;

function Heads() {
  return (
    <div role="rowgroup" class="worklist-heads">
      <div role="row" class="worklist-line-head" aria-rowindex={1}>
        {HEADS.map((each) => (
          <div key={each} role="columnheader">
            {t(each)}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Tells of studies that came in above what is on the screen. */
function NewAbove({ hold }: { hold: Hold & { readonly frame: { value: Frame } } }) {
  const { scrolled, lineHeight } = hold.frame.value;
  const first = Math.ceil(scrolled / lineHeight);
  const above = list.lines.value.studies
    .slice(0, first)
    .filter((each) => list.fresh.value.includes(each.id)).length;
  if (above === 0) return null;
  return (
    <button type="button" class="worklist-above" onClick={hold.toTop}>
      <Icon name="chevron" />{" "}
      {above === 1 ? t("newAbove1") : t("newAbove", { count: above })}
    </button>
  );
}

function useMeasures({ frame, scroller, ruler }: ReturnType<typeof useHold>): void {
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () => {
      const heads = element.querySelector<HTMLElement>(".worklist-heads");
      frame.value = {
        scrolled: element.scrollTop,
        height: element.clientHeight - (heads?.offsetHeight ?? 0),
        lineHeight: ruler.current?.offsetHeight || frame.value.lineHeight,
      };
      place.scrolled = element.scrollTop;
      if (element.scrollTop === 0 && isIdle()) list.seen();
    };
    measure();
    element.scrollTop = place.scrolled;
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    if (ruler.current) watch.observe(ruler.current);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      keepCount();
      watch.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
}

let lastTouch = 0;
const touch = () => {
  lastTouch = Date.now();
};
globalThis.addEventListener?.("pointerdown", touch, { capture: true });
globalThis.addEventListener?.("wheel", touch, { capture: true, passive: true });
globalThis.addEventListener?.("keydown", touch, { capture: true });

function isIdle(): boolean {
  return Date.now() - lastTouch > IDLE_MS;
}

/** Lines that come in above do not move what is read; who watches the top sees them. */
function useStillness({ frame, scroller }: ReturnType<typeof useHold>): void {
  const anchor = useRef<{ id: number; offset: number } | null>(null);
  const sorted = useRef(list.times.peek());
  const { studies } = list.lines.value;
  useLayoutEffect(() => {
    const element = scroller.current;
    const { lineHeight } = frame.value;
    const held = anchor.current;
    const at = held ? studies.findIndex((each) => each.id === held.id) : -1;
    const isWatched = element?.scrollTop === 0 && isIdle();
    const isSorted = sorted.current !== list.times.peek();
    sorted.current = list.times.peek();
    if (element && isSorted) {
      // Lines have other places now: the selected one is what a reader looks for.
      const { height } = frame.value;
      const place = Math.max(0, selectedAt.peek());
      element.scrollTop = bringIntoView(place, element.scrollTop, height, lineHeight);
    } else if (element && held && at >= 0 && !isWatched) {
      const wanted = keepInPlace(at, held.offset, lineHeight);
      if (Math.abs(wanted - element.scrollTop) > 1) element.scrollTop = wanted;
    }
  }, [studies]);
  useEffect(() => {
    const { scrolled, lineHeight } = frame.value;
    const first = studies[Math.floor(scrolled / lineHeight)];
    anchor.current = first
      ? {
          id: first.id,
          offset: Math.floor(scrolled / lineHeight) * lineHeight - scrolled,
        }
      : null;
  });
}

const SEEN_MS = 4_000; // as long as a new line is marked

/** A new line that was on the screen for a while is new no more. */
function useSeen({ frame }: ReturnType<typeof useHold>): void {
  const { scrolled, height, lineHeight } = frame.value;
  const [first, last] = onScreen(scrolled, height, lineHeight, Number.MAX_VALUE, 0);
  const fresh = list.fresh.value;
  const here = list.lines.value.studies
    .slice(first, last)
    .map((each) => each.id)
    .filter((each) => fresh.includes(each));
  useEffect(() => {
    if (here.length === 0) return;
    const timer = setTimeout(() => list.seen(here), SEEN_MS);
    return () => clearTimeout(timer);
  }, [here.join()]);
}

function useSelectionInView({ frame, scroller }: ReturnType<typeof useHold>): void {
  useEffect(() => {
    const element = scroller.current;
    if (!element || selectedAt.value < 0) return;
    const { height, lineHeight } = frame.value;
    element.scrollTop = bringIntoView(
      selectedAt.value,
      element.scrollTop,
      height,
      lineHeight,
    );
    // Only where the selection moves: a line that changes place is not run after.
  }, [selectedId.value]);
}
