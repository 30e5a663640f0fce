/** The reading page: images, findings, report and the study's own details. */

import { type Signal, signal } from "@preact/signals";
import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";
import { hear } from "~/core/events";
import { register } from "~/core/keys/commands";
import type { Route } from "~/core/route";
import { FindingsPanel } from "~/findings/panel";
import type { Reading } from "~/findings/reading";
import { unjudged } from "~/findings/say";
import { ReportPanel } from "~/report/panel";
import { Boundary } from "~/shell/boundary";
import { Show, useLoaded } from "~/shell/loaded";
import { toastDone, toastFailed } from "~/shell/toast";
import { onceCalm } from "~/viewer/load/calm";
import { hasten, takeStudy } from "~/viewer/load/early";
import { commandsOf } from "./commands";
import { PanelToggle, StudyHead } from "./head";
import { insertablesOf } from "./insertables";
import { LateViewer } from "./late_viewer";
import { goNext } from "./next";
import { isPanelOpen, type Opened, openStudy, type Study, turnTo } from "./opened";
import { StudyTab } from "./study_tab";
import { Tabs } from "./tabs";
import { t } from "./texts";
import "./study.css";

type Here = Extract<Route, { page: "study" }>;

/** One study; the page has the whole height of the window. */
export default function Page({ route }: { route: Here }) {
  const { study } = route;
  const opened = useMemo(() => openStudy(study), [study]);
  const progress = useMemo(() => signal<number | null>(null), [study]);
  // The images are what a reader waits for: they are asked for before the page stands.
  useMemo(() => hasten(study), [study]);
  const loaded = useLoaded((abort) => takeStudy(study, "page", abort), [study]);
  useEffect(() => listen(study, progress, loaded.again), [study]);
  useEffect(
    () => () => {
      opened.reading.close();
      opened.writing.close();
    },
    [opened],
  );
  return (
    <Show of={loaded}>
      {(found) => (
        <Desk
          opened={opened}
          study={found}
          progress={progress.value}
          query={route.query}
          onChange={loaded.again}
        />
      )}
    </Show>
  );
}

/** Hear of the study and of the work on it; returns what ends it. */
function listen(
  study: number,
  progress: Signal<number | null>,
  again: () => void,
): () => void {
  const ends = [
    hear("study", (event) => {
      if (event.id === study) again();
    }),
    hear("reset", again),
    hear("job", (event) => {
      if (event.study_id !== study || event.kind !== "answer") return;
      progress.value = event.state === "leased" ? event.progress : null;
      if (event.state !== "leased" || event.progress === 0) again();
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** What other readers said is read again whenever this one comes back to the page. */
function keepUpWithReaders(reading: Reading): () => void {
  const look = () => {
    if (document.visibilityState !== "visible") return;
    // Without a line the words that are known stand; they are asked for again later.
    reading.refresh().catch(() => undefined);
  };
  document.addEventListener("visibilitychange", look);
  return () => document.removeEventListener("visibilitychange", look);
}

/** `?prior=17`: an earlier study to lie beside this one. */
function priorOf(query: URLSearchParams): number | null {
  const said = query.get("prior") ?? "";
  return /^[1-9]\d{0,15}$/.test(said) ? Number(said) : null;
}

interface Props {
  readonly opened: Opened;
  readonly study: Study;
  readonly progress: number | null;
  /** Of the address: the list that one came from, and a prior study. */
  readonly query: URLSearchParams;
  readonly onChange: () => void;
}

function Desk(props: Props) {
  const { opened, study, query } = props;
  const { reading, writing, stage } = opened;
  const now = useRef({ study, query });
  now.current = { study, query };
  const next = useCallback(() => {
    goNext(now.current.study.id, now.current.query)
      .then((went) => {
        if (went === null) toastDone(t("nextNone"));
        else if (went.isTop) toastDone(t("nextTop"));
      })
      .catch(toastFailed);
  }, []);
  useEffect(() => onceCalm(() => void writing.load()), [writing]);
  useEffect(
    () =>
      onceCalm(() => {
        // A newer result does not take the place of one that somebody is reading.
        if (reading.result.peek() === null) void reading.load(study.result_id);
        // A draft that nobody touched is of the newest.
        void writing.refresh().catch(toastFailed);
      }),
    [reading, study.result_id],
  );
  useEffect(() => keepUpWithReaders(reading), [reading]);
  useEffect(() => register(commandsOf(opened)), [opened]);
  const isOpen = isPanelOpen.value === "open";
  return (
    <div class={isOpen ? "study" : "study is-wide"}>
      <div class="study-images">
        <Boundary>
          <LateViewer stage={stage} study={study.id} prior={priorOf(query)} />
        </Boundary>
      </div>
      <aside class="study-side" aria-label={t("panel")}>
        {!isOpen && <PanelToggle />}
        <div id="study-side" class="study-side-body" hidden={!isOpen}>
          <Boundary>
            <StudyHead study={study} onNext={next} />
            <Side {...props} onNext={next} />
          </Boundary>
        </div>
      </aside>
    </div>
  );
}

function Side({
  opened,
  study,
  progress,
  query,
  onChange,
  onNext,
}: Props & { onNext: () => void }) {
  const { reading, writing, tab, stage } = opened;
  const choose = (key: typeof tab.value) => {
    tab.value = key;
    if (key === "report") void refresh(opened);
  };
  return (
    <Tabs
      label={t("panel")}
      chosen={tab.value}
      onChoose={choose}
      tabs={[
        {
          key: "findings",
          name: t("findings"),
          panel: (
            <FindingsPanel
              reading={reading}
              study={study}
              progress={progress}
              onChange={onChange}
            />
          ),
        },
        {
          key: "report",
          name: t("report"),
          panel: (
            <ReportPanel
              writing={writing}
              sheet={study}
              insertables={insertablesOf(stage, reading)}
              unjudged={unjudged(reading).length}
              results={study.results}
              isSeen={() => isPanelOpen.peek() === "open" && tab.peek() === "report"}
              onSee={() => {
                turnTo(opened, "report");
                void refresh(opened);
              }}
              onSigned={onChange}
              onNext={onNext}
            />
          ),
        },
        {
          key: "study",
          name: t("study"),
          panel: (
            <StudyTab
              reading={reading}
              study={study}
              prior={priorOf(query)}
              onChange={onChange}
            />
          ),
        },
      ]}
    />
  );
}

/** What was said of findings stands in the draft as soon as it is looked at. */
async function refresh({ reading, writing }: Opened): Promise<void> {
  try {
    await reading.outbox.settled();
    await Promise.all([reading.refresh(), writing.refresh()]);
  } catch (error) {
    toastFailed(error);
  }
}
