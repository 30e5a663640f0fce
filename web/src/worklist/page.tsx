/** The worklist: which studies there are, and which of them matter first. */

import { useEffect, useRef } from "preact/hooks";
import { announce } from "~/core/announce";
import { hear } from "~/core/events";
import { register } from "~/core/keys/commands";
import { may } from "~/core/session";
import { Failure, Loading } from "~/shell/loaded";
import { Choose, DropCover } from "~/shell/upload/drop";
import { UploadProgress } from "~/shell/upload/progress";
import { Bar } from "./bar";
import { clearFilters, commandsOf } from "./commands";
import { Detail, HowDialog, RemoveDialog } from "./detail";
import { Lines, useHold } from "./lines";
import { addressOf, countFilters } from "./query";
import { counts, filters, keepCount, list, readCounts, show } from "./store";
import { t } from "./texts";
import "./worklist.css";

const COUNT_MS = 2_000;

/** The page of "/". */
export default function Page() {
  const hold = useHold();
  const search = useRef<HTMLInputElement>(null);
  const address = addressOf(filters.value);
  useEffect(() => {
    void show(filters.peek());
  }, [address]);
  useEffect(
    () =>
      register(
        commandsOf({
          pageOf: hold.pageOf,
          toTop: hold.toTop,
          focusSearch: () => {
            search.current?.focus();
            search.current?.select();
          },
        }),
      ),
    [],
  );
  useEffect(listen, []);
  useNews();
  return (
    <section class="worklist">
      <div class="worklist-title">
        <h1>{t("title")}</h1>
        <p class="faint">{shownText()}</p>
        {list.isOutOfOrder.value && (
          <button
            type="button"
            class="button button-small worklist-sort"
            onClick={() => void list.again()}
          >
            {t("sortAgain")}
          </button>
        )}
      </div>
      <Bar search={search} />
      {may("upload") && <DropCover />}
      <UploadProgress />
      {list.error.value !== null && (
        <Failure error={list.error.value} onRetry={() => void list.again()} />
      )}
      <Content hold={hold} />
      <Detail />
      <HowDialog />
      <RemoveDialog />
    </section>
  );
}

function Content({ hold }: { hold: ReturnType<typeof useHold> }) {
  if (list.lines.value.studies.length > 0) return <Lines hold={hold} />;
  if (list.loading.value === "first") return <Loading text={t("loading")} />;
  if (list.error.value !== null) return null;
  return countFilters(filters.value) > 0 ? <NoMatch /> : <Empty />;
}

function NoMatch() {
  return (
    <div class="empty">
      <h2>{t("noMatch")}</h2>
      <p>{t("noMatchHint")}</p>
      <button type="button" class="button" onClick={clearFilters}>
        {t("clear")}
      </button>
    </div>
  );
}

function Empty() {
  return (
    <div class="empty worklist-empty">
      <h2>{t("none")}</h2>
      <p>{t("noneHow")}</p>
      <ul>
        {may("upload") && <li>{t("byDrop")}</li>}
        <li>{t("byDicom")}</li>
        <li>{t("byWeb", { address: `${location.origin}/dicom-web/studies` })}</li>
      </ul>
      {may("upload") && <Choose isMain />}
    </div>
  );
}

function shownText(): string {
  const shown = list.lines.value.studies.length;
  const isAll = countFilters(filters.value) === 0 && counts.value !== null;
  if (isAll) return t("shown", { shown, all: counts.value?.total ?? shown });
  return list.loading.value === "first" ? "" : t("shownSome", { shown });
}

/** Keep the list and the counts current while the page is there. */
function listen(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const countSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void readCounts();
    }, COUNT_MS);
  };
  void readCounts();
  const ends = [
    hear("study", (event) => {
      list.onStudy(event);
      countSoon();
    }),
    hear("job", (event) => list.onJob(event)),
    hear("reset", () => {
      void list.onReset();
      countSoon();
    }),
  ];
  addEventListener("pagehide", keepCount);
  return () => {
    for (const end of ends) end();
    clearTimeout(timer);
    removeEventListener("pagehide", keepCount);
  };
}

/** Say that studies came in, to those who do not see it. */
function useNews(): void {
  const count = list.fresh.value.length;
  useEffect(() => {
    if (count > 0) announce(count === 1 ? t("newCame1") : t("newCame", { count }));
  }, [count]);
}
