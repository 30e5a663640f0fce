/** The frame around every page: where one is, who one is, and whether the line holds. */

import { effect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ask } from "~/core/api/client";
import { dropDrafts } from "~/core/drafts";
import { line } from "~/core/events";
import { register } from "~/core/keys/commands";
import { go, lastList, route } from "~/core/route";
import { away, isDemo, me } from "~/core/session";
import { lang } from "~/core/text/lang";
import { currentPage, focusHeading, titleOf } from "./arrival";
import { Icon } from "./icon";
import { isHelpOpen, KeysDialog } from "./keys_dialog";
import { Link } from "./link";
import { useMenu } from "./menu";
import { Messages } from "./messages";
import { t } from "./texts";
import { toggleTheme } from "./theme";
import { ThemeMenu } from "./theme_menu";
import { toastFailed } from "./toast";
import { keepDrops, sayUncaught, watchSession } from "./watch";

/** Pages that have the window's height to themselves, and scroll within it. */
const FULL: readonly string[] = ["worklist", "study"];

/** The page with its frame. */
export function Frame({ children }: { children: ComponentChildren }) {
  const main = useRef<HTMLElement>(null);
  useEffect(() => register(COMMANDS), []);
  useEffect(keepDrops, []);
  useEffect(watchSession, []);
  useEffect(sayUncaught, []);
  useArrival(main);
  const isFull = FULL.includes(route.value.page);
  return (
    <div class={isFull ? "frame frame-full" : "frame"}>
      <a class="skip" href="#content">
        {t("skip")}
      </a>
      <Head />
      {isDemo.value && <aside class="demo">{t("demo")}</aside>}
      {line.value === "lost" && (
        <p class="lost" role="alert">
          <Icon name="alert" /> {t("lost")}
        </p>
      )}
      <Away />
      <main id="content" tabIndex={-1} ref={main}>
        {children}
      </main>
      <footer class="foot">{t("notice")}</footer>
      <Messages />
      <KeysDialog />
    </div>
  );
}

/** Why changes are not taken just now, and the way on. */
function Away() {
  if (away.value === "") return null;
  return (
    <div class="lost" role="alert">
      <Icon name="alert" />
      <span>{t(away.value === "other" ? "otherPerson" : "loggedOut")}</span>
      {away.value === "other" ? (
        <button
          type="button"
          class="button button-small"
          onClick={() => location.reload()}
        >
          {t("reload")}
        </button>
      ) : (
        <a class="button button-small" href="/login" target="_blank" rel="noreferrer">
          {t("logIn")}
        </a>
      )}
    </div>
  );
}

/** Title and focus follow the page; the first one has its focus from the browser. */
function useArrival(main: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    let end = () => {};
    let before = currentPage();
    const stop = effect(() => {
      document.title = titleOf(route.value);
      const now = currentPage();
      if (now === before) return;
      before = now;
      end();
      // After the page before has gone: its own heading is still there now.
      const timer = setTimeout(() => {
        if (main.current) end = focusHeading(main.current);
      });
      end = () => clearTimeout(timer);
    });
    return () => {
      stop();
      end();
    };
  }, []);
}

const PAGES = [
  { to: "/", text: "worklist", pages: ["worklist", "study"] },
  { to: "/models", text: "models", pages: ["models", "model", "evaluation"] },
  { to: "/try", text: "try", pages: ["try"] },
] as const;

function Head() {
  return (
    <header class="head">
      <Link to={lastList.value} class="brand" aria-label="medlens">
        <svg viewBox="0 0 24 24" aria-hidden="true" class="brand-mark">
          <circle cx="12" cy="12" r="9" />
          <path d="M3 12h5l2-5 4 10 2-5h5" />
        </svg>
        <span class="brand-name">medlens</span>
      </Link>
      <nav class="nav" aria-label="medlens">
        {PAGES.map(({ to, text, pages }) => {
          const isHere = (pages as readonly string[]).includes(route.value.page);
          return (
            <Link
              key={to}
              to={to === "/" ? lastList.value : to}
              aria-current={isHere ? "page" : undefined}
            >
              {t(text)}
            </Link>
          );
        })}
      </nav>
      <div class="head-tools">
        <button
          type="button"
          class="button button-small"
          lang={lang.value === "en" ? "zh-CN" : "en"}
          onClick={() => {
            lang.value = lang.value === "en" ? "zh" : "en";
          }}
        >
          {lang.value === "en" ? "中文" : "English"}
        </button>
        <ThemeMenu />
        <button
          type="button"
          class="icon-button"
          aria-label={t("showKeys")}
          onClick={openHelp}
        >
          <Icon name="keyboard" />
        </button>
        {me.value && !isDemo.value && <Account />}
      </div>
    </header>
  );
}

function Account() {
  const menu = useRef<HTMLDetailsElement>(null);
  useMenu(menu);
  return (
    <details class="menu" ref={menu}>
      <summary aria-label={t("account")}>
        <Icon name="account" /> <span class="menu-name">{me.value?.name}</span>
      </summary>
      <div class="menu-body">
        <a href="/login">{t("password")}</a>
        <button type="button" onClick={logOut}>
          {t("logOut")}
        </button>
      </div>
    </details>
  );
}

async function logOut(): Promise<void> {
  try {
    await ask("/api/v1/logout", { method: "POST" });
    dropDrafts();
    location.assign("/login");
  } catch (error) {
    toastFailed(error);
  }
}

function toList(): void {
  go(lastList.value);
}

function openHelp(): void {
  isHelpOpen.value = true;
}

const COMMANDS = [
  { id: "keys", keys: ["?"], text: () => t("showKeys"), run: openHelp },
  { id: "theme", keys: ["Alt+t"], text: () => t("toggleTheme"), run: toggleTheme },
  { id: "worklist", keys: ["Alt+w"], text: () => t("goWorklist"), run: toList },
  { id: "models", keys: ["Alt+m"], text: () => t("goModels"), run: () => go("/models") },
  { id: "try", keys: ["Alt+y"], text: () => t("goTry"), run: () => go("/try") },
].map((each) => ({
  ...each,
  id: `everywhere.${each.id}`,
  place: "everywhere" as const,
}));
