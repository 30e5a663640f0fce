/** Short messages at the edge of the page: what was done, and what did not work. */

import { signal } from "@preact/signals";
import { OfflineError, ProblemError } from "~/core/api/problem";
import { away } from "~/core/session";
import { Icon } from "./icon";
import { t } from "./texts";

/** One message. */
export interface Toast {
  readonly id: number;
  readonly kind: "done" | "failed";
  readonly title: string;
  readonly detail: string;
}

const LONG_ENOUGH_MS = 6_000;
const shown = signal<readonly Toast[]>([]);
let count = 0;

/** Say that something was done; it goes by itself. */
export function toastDone(title: string, detail = ""): void {
  const id = add({ kind: "done", title, detail });
  setTimeout(() => dismiss(id), LONG_ENOUGH_MS);
}

/** Say that something did not work and what to do; it stays until it is dismissed. */
export function toastFailed(error: unknown, title = t("failed")): void {
  if (error instanceof DOMException && error.name === "AbortError") return;
  add({ kind: "failed", title, detail: explain(error) });
}

/** An error in words for people. */
export function explain(error: unknown): string {
  if (error instanceof OfflineError) return t("offline");
  if (error instanceof ProblemError) {
    // The service speaks of a header, which tells a person nothing.
    if (error.kind === "csrf" && away.value === "other") return t("otherPerson");
    // A single place already stands in the detail (`_of_validation` of the service).
    const places =
      error.errors.length > 1
        ? error.errors.map((each) => `${each.where}: ${each.what}`)
        : [];
    return [error.detail, ...places].join("\n");
  }
  return error instanceof Error ? error.message : String(error);
}

function add(toast: Omit<Toast, "id">): number {
  count += 1;
  // The same failure over and over is one message.
  const others = shown.value.filter(
    (each) => each.detail !== toast.detail || !toast.detail,
  );
  shown.value = [...others.slice(-3), { ...toast, id: count }];
  return count;
}

function dismiss(id: number): void {
  shown.value = shown.value.filter((each) => each.id !== id);
}

/** The messages; `Messages` gives them their place. */
export function Toasts() {
  return (
    <div class="toasts" role="status">
      {shown.value.map((toast) => (
        <div key={toast.id} class={`toast toast-${toast.kind}`}>
          <Icon name={toast.kind === "done" ? "check" : "alert"} />
          <div class="toast-text">
            <strong>{toast.title}</strong>
            {toast.detail && <p>{toast.detail}</p>}
          </div>
          <button
            type="button"
            class="icon-button"
            aria-label={t("dismiss")}
            onClick={() => dismiss(toast.id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
