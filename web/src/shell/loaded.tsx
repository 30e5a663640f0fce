/** Asking the service for something to show, with honest states in between. */

import { type Signal, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { Icon } from "./icon";
import { t } from "./texts";
import { explain } from "./toast";

/** What is known of something that was asked for. */
export interface Loaded<T> {
  /** The newest answer; it stays while it is asked for again. */
  readonly data: Signal<T | null>;
  readonly error: Signal<unknown>;
  readonly isLoading: Signal<boolean>;
  /** Ask again. */
  readonly again: () => void;
}

/**
 * Ask when the component appears and when `of` changes; an older answer never overwrites
 * a newer one.
 *
 * @param load asks; it is aborted when nobody waits any more.
 * @param of what the question depends on.
 */
export function useLoaded<T>(
  load: (abort: AbortSignal) => Promise<T>,
  of: readonly unknown[],
): Loaded<T> {
  const held = useMemo(() => {
    const data = signal<T | null>(null);
    const error = signal<unknown>(null);
    const isLoading = signal(true);
    return {
      data,
      error,
      isLoading,
      running: { current: null as AbortController | null },
    };
  }, []);
  const start = () => {
    held.running.current?.abort();
    const abort = new AbortController();
    held.running.current = abort;
    held.isLoading.value = true;
    load(abort.signal)
      .then((found) => {
        if (abort.signal.aborted) return;
        held.data.value = found;
        held.error.value = null;
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) held.error.value = error;
      })
      .finally(() => {
        if (!abort.signal.aborted) held.isLoading.value = false;
      });
  };
  useEffect(() => {
    start();
    return () => held.running.current?.abort();
    // What the question depends on is the caller's to say.
  }, of);
  return { ...held, again: start };
}

/** What was asked for, or why it is not there, with a way to try again. */
export function Show<T>({
  of,
  children,
}: {
  of: Loaded<T>;
  children: (data: T) => ComponentChildren;
}) {
  const data = of.data.value;
  const error = of.error.value;
  return (
    <>
      {error !== null && <Failure error={error} onRetry={of.again} />}
      {data !== null && children(data)}
      {data === null && error === null && <Loading />}
    </>
  );
}

/**
 * Something is on its way.
 *
 * @param far how far it is; seen alone, since a screen reader would say every step.
 */
export function Loading({
  text = t("loading"),
  far = "",
}: {
  text?: string;
  far?: string;
}) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> {text}
      {far && <span aria-hidden="true">{far}</span>}
    </p>
  );
}

/** It did not come, what to do, and a button to try again. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{t("failed")}</strong>
        <p>{explain(error)}</p>
      </div>
      {onRetry && (
        <button type="button" class="button" onClick={onRetry}>
          {t("retry")}
        </button>
      )}
    </div>
  );
}
