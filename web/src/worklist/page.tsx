/** The worklist: which studies there are, and which of them matter first. */

import { useEffect, useRef } from "preact/hooks";
import { announce } from "~/core/announce";
import { hear } from "~/core/events";
import { addressOf, countFilters } from "~/core/filters";
import { register } from "~/core/keys/commands";
import { may } from "~/core/session";
import { number } from "~/core/text/format";
import { Failure, Loading } from "~/shell/loaded";
import { DropCover } from "~/shell/upload/drop";
import { UploadProgress } from "~/shell/upload/progress";
import { Bar } from "./bar";
import { tick } from "./clock";
import { commandsOf } from "./commands";
import { Detail, HowDialog, RemoveDialog } from "./detail";
import { Empty, NoMatch } from "./empty";
import { Lines, useHold } from "./lines";
import { counts, filters, keepCount, list, readCounts, show, sortAgain } from "./store";
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
  useEffect(tick, []);
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
            onClick={() => void sortAgain()}
          >
            {t("sortAgain")}
          </button>
        )}
      </div>
      <Bar search={search} />
      {may("upload") && <DropCover />}
      <UploadProgress />
      {list.error.value !== null && (
        <Failure error={list.error.value} onRetry={() => void sortAgain()} />
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

/** How much of what is there is on the page; more of it comes as one scrolls. */
function shownText(): string {
  const { studies, next } = list.lines.value;
  const shown = studies.length;
  if (list.loading.value === "first" || shown === 0) return "";
  const isAll = countFilters(filters.value) === 0 && counts.value !== null;
  const all = Math.max(shown, isAll ? (counts.value?.total ?? 0) : 0);
  const words = { shown: number(shown), all: number(all) };
  if (next === null) return shown === 1 ? t("shown1") : t("shownAll", words);
  return isAll ? t("shown", words) : t("shownFirst", words);
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
