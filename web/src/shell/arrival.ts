/**
 * What happens when one comes to another page of the app: the title says which, and the
 * focus goes to its heading, as it would where the browser loads a page anew.
 */

import { type Route, route } from "~/core/route";
import { t } from "./texts";

const LONGEST_WAIT_MS = 5_000;

/** What a page is called; a study's name is no patient's. */
export function titleOf(at: Route): string {
  const names: Readonly<Record<Route["page"], string>> = {
    worklist: t("worklist"),
    study: t("study"),
    models: t("models"),
    model: t("model"),
    evaluation: t("evaluation"),
    try: t("try"),
    missing: t("missing"),
  };
  return `${names[at.page]} – medlens`;
}

/** Which page it is; filters and tabs of a page do not change it. */
export function pageKey(at: Route): string {
  if (at.page === "study") return `study/${at.study}`;
  if (at.page === "model") return `model/${at.digest}`;
  if (at.page === "evaluation") return `evaluation/${at.evaluation}`;
  return at.page;
}

/**
 * Put the focus on the heading of the page, which may still be on its way.
 *
 * @param main holds the page.
 * @returns ends the waiting.
 */
export function focusHeading(main: HTMLElement): () => void {
  const before = document.activeElement;
  const focus = () => {
    // Whoever has gone on to a field meanwhile is left there.
    const hasMoved = document.activeElement !== before && main.matches(":focus-within");
    const heading = main.querySelector<HTMLElement>("h1");
    if (!heading && !hasMoved) return false;
    if (heading && !hasMoved) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
    return true;
  };
  if (focus()) return () => {};
  const watch = new MutationObserver(() => focus() && end());
  const timer = setTimeout(() => end(), LONGEST_WAIT_MS);
  const end = () => {
    watch.disconnect();
    clearTimeout(timer);
  };
  watch.observe(main, { childList: true, subtree: true });
  return end;
}

/** The page's key now; read inside an effect it follows the route. */
export function currentPage(): string {
  return pageKey(route.value);
}
