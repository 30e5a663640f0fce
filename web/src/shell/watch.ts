/** What the page watches for as long as it is there. */

import { renew } from "~/core/api/guarded";
import { away, isDemo, me } from "~/core/session";
import { hasFiles } from "~/core/upload/files";
import { toastFailed } from "./toast";

/**
 * A file that is dropped beside its mark must not take the place of the page, with all
 * that is on it. What takes files has said so before (`preventDefault`).
 *
 * @returns ends it.
 */
export function keepDrops(): () => void {
  const refuse = (event: DragEvent) => {
    if (event.defaultPrevented || !hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "none";
  };
  addEventListener("dragover", refuse);
  addEventListener("drop", refuse);
  return () => {
    removeEventListener("dragover", refuse);
    removeEventListener("drop", refuse);
  };
}

const OFTEN_ENOUGH_MS = 30_000;

/**
 * Who comes back to this tab may be another person, or nobody any more: another tab of
 * the browser logged in or out. It is better told before something is typed.
 *
 * @returns ends it.
 */
export function watchSession(): () => void {
  let asked = Date.now();
  const look = () => {
    if (document.visibilityState !== "visible" || !me.value || isDemo.value) return;
    if (away.value === "" && Date.now() - asked < OFTEN_ENOUGH_MS) return;
    asked = Date.now();
    void renew();
  };
  document.addEventListener("visibilitychange", look);
  addEventListener("focus", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    removeEventListener("focus", look);
  };
}

/**
 * A failure that no part of the page caught is said all the same.
 *
 * @returns ends it.
 */
export function sayUncaught(): () => void {
  const say = (event: PromiseRejectionEvent) => toastFailed(event.reason);
  addEventListener("unhandledrejection", say);
  return () => removeEventListener("unhandledrejection", say);
}
