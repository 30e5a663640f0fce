/** Where the page says things: messages, and words for screen readers alone. */

import { signal } from "@preact/signals";
import { announcement } from "~/core/announce";
import { Toasts } from "./toast";

/** Dialogs that are open, the topmost last. */
const dialogs = signal<readonly symbol[]>([]);

/** Tell that a dialog is open; returns what tells that it is closed. */
export function coverBy(dialog: symbol): () => void {
  dialogs.value = [...dialogs.value, dialog];
  return () => {
    dialogs.value = dialogs.value.filter((each) => each !== dialog);
  };
}

/**
 * The messages, in one place only: all that lies below a dialog can neither be read out
 * nor clicked, so that they stand in the topmost one.
 *
 * @param dialog that this place is in; none for the page itself.
 */
export function Messages({ dialog }: { dialog?: symbol }) {
  if (dialogs.value.at(-1) !== dialog) return null;
  return (
    <>
      <Toasts />
      <div class="unseen" role="status" aria-live="polite">
        {announcement.value}
      </div>
    </>
  );
}
