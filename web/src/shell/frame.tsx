/** The frame around every page: where one is, who one is, and whether the line holds. */

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { announcement } from "~/core/announce";
import { ask } from "~/core/api/client";
import { line } from "~/core/events";
import { register } from "~/core/keys/commands";
import { go, route } from "~/core/route";
import { isDemo, me } from "~/core/session";
import { lang } from "~/core/text/lang";
import { Icon } from "./icon";
import { isHelpOpen, KeysDialog } from "./keys_dialog";
import { Link } from "./link";
import { t } from "./texts";
import { isDark, toggleTheme } from "./theme";
import { Toasts, toastFailed } from "./toast";

/** The page with its frame; a study page has the whole height to itself. */
export function Frame({ children }: { children: ComponentChildren }) {
  useEffect(() => register(COMMANDS), []);
  const isFull = route.value.page === "study";
  return (
    <div class={isFull ? "frame frame-full" : "frame"}>
      <a class="skip" href="#content">
        {t("skip")}
      </a>
      <Head />
      {isDemo.value && <p class="demo">{t("demo")}</p>}
      {line.value === "lost" && (
        <p class="lost" role="alert">
          <Icon name="alert" /> {t("lost")}
        </p>
      )}
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <footer class="foot">{t("notice")}</footer>
      <Toasts />
      <KeysDialog />
      <div class="unseen" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </div>
  );
}

const PAGES = [
  { to: "/", text: "worklist", pages: ["worklist", "study"] },
  { to: "/models", text: "models", pages: ["models", "model", "evaluation"] },
  { to: "/try", text: "try", pages: ["try"] },
] as const;

function Head() {
  return (
    <header class="head">
      <Link to="/" class="brand">
        <svg viewBox="0 0 24 24" aria-hidden="true" class="brand-mark">
          <circle cx="12" cy="12" r="9" />
          <path d="M3 12h5l2-5 4 10 2-5h5" />
        </svg>
        medlens
      </Link>
      <nav class="nav" aria-label="medlens">
        {PAGES.map(({ to, text, pages }) => {
          const isHere = (pages as readonly string[]).includes(route.value.page);
          return (
            <Link key={to} to={to} aria-current={isHere ? "page" : undefined}>
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
        <button
          type="button"
          class="icon-button"
          aria-label={t("toggleTheme")}
          onClick={toggleTheme}
        >
          <Icon name={isDark.value ? "sun" : "moon"} />
        </button>
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
  return (
    <details class="menu">
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
    sessionStorage.clear(); // the next person at this screen finds no draft
    location.assign("/login");
  } catch (error) {
    toastFailed(error);
  }
}

function openHelp(): void {
  isHelpOpen.value = true;
}

const COMMANDS = [
  { id: "keys", keys: ["?"], text: () => t("showKeys"), run: openHelp },
  { id: "theme", keys: ["Alt+t"], text: () => t("toggleTheme"), run: toggleTheme },
  { id: "worklist", keys: ["Alt+w"], text: () => t("goWorklist"), run: () => go("/") },
  { id: "models", keys: ["Alt+m"], text: () => t("goModels"), run: () => go("/models") },
  { id: "try", keys: ["Alt+y"], text: () => t("goTry"), run: () => go("/try") },
].map((each) => ({
  ...each,
  id: `everywhere.${each.id}`,
  place: "everywhere" as const,
}));
