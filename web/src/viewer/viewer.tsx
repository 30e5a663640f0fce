/** The images of a study: thumbnails, panes, and what stands around them. */

import { effect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { announce } from "~/core/announce";
import { hear } from "~/core/events";
import { register } from "~/core/keys/commands";
import { Show, useLoaded } from "~/shell/loaded";
import { CineBar } from "./cine/bar";
import { createCine, keepPlaying } from "./cine/cine";
import { imageStands } from "./load/calm";
import { takeStudy } from "./load/early";
import { hasImages, loadStudy, shownSeries, type WholeStudy } from "./load/study";
import { PaneView } from "./pane";
import { BAR_PARTS, MODES } from "./parts";
import { stackCommands } from "./stack/commands";
import { createDesk, type Desk, layOut, openIn } from "./stack/desk";
import { placeLine, windowLine } from "./stack/legend";
import { shownOf, takeUp } from "./stack/opening";
import { keepAhead, keepRetried, keepWanted } from "./stack/service";
import type { Stage } from "./stage";
import { t } from "./texts";
import { Thumbs } from "./thumbs/thumbs";
import "./viewer.css";

/**
 * The viewer.
 *
 * @param stage shared with the panels beside it.
 * @param study our number of the study that is read.
 * @param prior our number of an earlier one to lie beside it, if any.
 */
export function Viewer({
  stage,
  study,
  prior = null,
}: {
  stage: Stage;
  study: number;
  prior?: number | null;
}) {
  const desk = useMemo(() => createDesk(stage), [stage]);
  const loaded = useLoaded((abort) => takeStudy(study, "viewer", abort), [study]);
  const before = useLoaded(
    async (abort) => (prior === null ? null : await loadStudy(prior, abort)),
    [prior],
  );
  useEffect(() => {
    desk.prior.value = before.data.value;
    if (before.data.value) layBeside(desk, before.data.value);
  }, [desk, before.data.value]);
  useEffect(() => () => desk.library.close(), [desk]);
  useEffect(() => hearOf(study, loaded.again), [study]);
  return (
    <section class="viewer" aria-label={t("viewer")}>
      <Show of={loaded}>{(found) => <Opened desk={desk} study={found} />}</Show>
    </section>
  );
}

/** More images may have come, or may have been missed while the line was lost. */
function hearOf(study: number, again: () => void): () => void {
  const ends = [
    hear("study", (event) => {
      if (event.id === study) again();
    }),
    hear("reset", again),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** The prior study on the right, unless a reader has laid the panes out. */
function layBeside(desk: Desk, prior: WholeStudy): void {
  const [rows, columns] = desk.grid.peek();
  if (rows * columns === 1) layOut(desk, [1, 2]);
  const beside = desk.panes.peek()[1];
  const first = shownSeries(prior).find(hasImages);
  if (beside && first) openIn(beside, prior, first);
}

function Opened({ desk, study }: { desk: Desk; study: WholeStudy }) {
  const cine = useMemo(() => createCine(), [desk]);
  useMemo(() => open(desk, study), [desk, study]);
  useEffect(() => {
    const ends = desk.panes.peek().map((pane) => takeUp(pane, study));
    return () => {
      for (const end of ends) end();
    };
  }, [desk, study]);
  useEffect(() => register(stackCommands(desk, cine)), [desk]);
  useEffect(() => keepPlaying(desk, cine), [desk]);
  useEffect(() => keepAhead(desk), [desk]);
  useEffect(() => keepWanted(desk), [desk]);
  useEffect(() => keepRetried(desk), [desk]);
  useEffect(() => keepSaid(desk), [desk]);
  const Mode = desk.mode.value === null ? null : MODES[desk.mode.value];
  if (!shownSeries(study).some(hasImages)) return <NoImages study={study} />;
  return (
    <>
      <Thumbs desk={desk} />
      <div class="viewer-main">
        <div class="viewer-bar">
          {BAR_PARTS.map((Part) => (
            <Part key={Part.displayName ?? Part.name} desk={desk} />
          ))}
          <CineBar desk={desk} cine={cine} />
        </div>
        {Mode ? <Mode desk={desk} /> : <Panes desk={desk} />}
      </div>
    </>
  );
}

function Panes({ desk }: { desk: Desk }) {
  const [rows, columns] = desk.grid.value;
  return (
    <div class={`viewer-panes viewer-panes-${rows}x${columns}`}>
      {desk.panes.value.map((pane, place) => (
        <PaneView key={pane.id} desk={desk} pane={pane} place={place} />
      ))}
    </div>
  );
}

/** The first series with images into the first pane. */
function open(desk: Desk, study: WholeStudy): void {
  desk.study.value = study;
  const first = shownSeries(study).find(hasImages);
  const [pane] = desk.panes.peek();
  if (pane && first && !pane.series.peek()) openIn(pane, study, first);
  if (!first) imageStands(); // nobody need wait for one
}

function NoImages({ study }: { study: WholeStudy }) {
  const kinds = [...new Set(study.series.map(({ modality }) => modality))].join(", ");
  return (
    <div class="empty">
      <h2>{t("noStudyImages")}</h2>
      <p>{t("noStudyImagesHint", { count: study.instance_count, kinds })}</p>
    </div>
  );
}

const QUIET_MS = 400;

/** Tells the stage what is seen, and assistive technology once the reader has paused. */
function keepSaid(desk: Desk): () => void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let isFirst = true;
  const stop = effect(() => {
    const pane = desk.activePane.value;
    const shown = shownOf(pane);
    desk.stage.shown.value = shown;
    const [voi, seen] = [pane.usedVoi.value, pane.shown.value];
    const isInverted = pane.isInverted.value;
    clearTimeout(waiting);
    if (!shown || !voi || !seen) return;
    if (isFirst) {
      isFirst = false;
      return;
    }
    waiting = setTimeout(() => {
      const place = placeLine(seen.image, shown.index, shown.count);
      const isColour = seen.picture.kind === "colour";
      announce(`${place}. ${windowLine(voi, isColour, isInverted)}`);
    }, QUIET_MS);
  });
  return () => {
    stop();
    clearTimeout(waiting);
    desk.stage.shown.value = null;
  };
}
