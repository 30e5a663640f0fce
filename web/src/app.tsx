/** The page of an address; each is loaded when it is first wanted. */

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import { keepDraftsOf } from "~/core/drafts";
import { openLine } from "~/core/events";
import { listen } from "~/core/keys/commands";
import { go, type Route, route } from "~/core/route";
import { me, placeLeft } from "~/core/session";
import { pageKey } from "~/shell/arrival";
import { Boundary, Reload } from "~/shell/boundary";
import { Frame } from "~/shell/frame";
import { Link } from "~/shell/link";
import { Loading, Show, useLoaded } from "~/shell/loaded";
import { t } from "~/shell/texts";

// biome-ignore lint/suspicious/noExplicitAny: each page knows its own part of the route.
type Page = ComponentType<{ route: any }>;
type Loader = () => Promise<{ default: Page }>;

const PAGES: Readonly<Record<Exclude<Route["page"], "missing">, Loader>> = {
  worklist: () => import("~/worklist/page"),
  study: () => import("~/study/page"),
  models: () => import("~/models/page"),
  model: () => import("~/models/model_page"),
  evaluation: () => import("~/models/evaluation_page"),
  try: () => import("~/trial/page"),
};

// The page's own code comes while the service says who is at the screen.
const ahead = route.peek().page;
if (ahead !== "missing") PAGES[ahead]().catch(() => {});

/** Who looks at a list opens a study next: its code comes while nothing else is wanted. */
function fetchReadingAhead(): void {
  const start = () => {
    PAGES.study().catch(() => {});
  };
  if ("requestIdleCallback" in globalThis) requestIdleCallback(start, { timeout: 5_000 });
  else setTimeout(start, 2_000);
}

/** The whole app. */
export function App() {
  useEffect(() => listen(window), []);
  useEffect(fetchReadingAhead, []);
  const session = useLoaded(async () => {
    me.value = await ok(api.GET("/api/v1/me"));
    keepDraftsOf(me.value.name);
    const back = placeLeft();
    if (back && location.pathname === "/") go(back, { replace: true });
    openLine();
    return me.value;
  }, []);
  return (
    <Frame>
      <Show of={session}>{() => <CurrentPage />}</Show>
    </Frame>
  );
}

function CurrentPage() {
  const now = route.value;
  if (now.page === "missing") return <Missing />;
  // A study of another number is another page: nothing of the one before stays.
  return (
    <Boundary key={pageKey(now)}>
      <Late load={PAGES[now.page]} route={now} />
    </Boundary>
  );
}

function Late({ load, route: now }: { load: Loader; route: Route }) {
  const found = useMemo(() => signal<Page | null>(null), []);
  const hasFailed = useMemo(() => signal(false), []);
  useEffect(() => {
    load()
      .then((loaded) => {
        found.value = loaded.default;
      })
      .catch(() => {
        // A browser keeps the failure of a module: to ask again would fail again.
        hasFailed.value = true;
      });
  }, [load]);
  const Wanted = found.value;
  if (hasFailed.value) return <Reload title={t("notLoaded")} hint={t("notLoadedHint")} />;
  return Wanted ? <Wanted route={now} /> : <Loading />;
}

function Missing() {
  return (
    <section class="page">
      <h1>{t("missing")}</h1>
      <p>{t("missingHint")}</p>
      <Link to="/" class="button button-main">
        {t("toWorklist")}
      </Link>
    </section>
  );
}
