/** A dialog of the browser's own: it holds the focus, and Escape closes it. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { Icon } from "./icon";
import { coverBy, Messages } from "./messages";
import { t } from "./texts";

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Buttons at its foot. */
  readonly actions?: ComponentChildren;
  readonly isWide?: boolean;
}

/** Shown as long as it is on the page. */
export function Dialog({ title, onClose, children, actions, isWide = false }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const own = useMemo(() => Symbol(), []);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    const uncover = coverBy(own);
    return () => {
      uncover();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={isWide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby={heading}
      onClose={onClose}
    >
      <header class="dialog-head">
        <h2 id={heading}>{title}</h2>
        <button
          type="button"
          class="icon-button"
          aria-label={t("close")}
          onClick={() => element.current?.close()}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class="dialog-body">{children}</div>
      {actions && <footer class="dialog-actions">{actions}</footer>}
      <Messages dialog={own} />
    </dialog>
  );
}
