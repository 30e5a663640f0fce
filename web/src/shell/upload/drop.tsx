/** The ways by which files come: dropped on the page, or chosen. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { hasFiles } from "~/core/upload/files";
import { Icon } from "~/shell/icon";
import { t } from "./texts";
import { addChosen, addDropped } from "./uploads";
import "./upload.css";

/** While it is on the page, files may be dropped anywhere on it. */
export function DropCover() {
  const isOver = useMemo(() => signal(false), []);
  useEffect(() => {
    let depth = 0; // the pointer enters and leaves every element on its way
    const enter = (event: DragEvent) => {
      if (!hasFiles(event.dataTransfer)) return;
      depth += 1;
      isOver.value = true;
    };
    const leave = (event: DragEvent) => {
      if (!hasFiles(event.dataTransfer)) return;
      depth = Math.max(0, depth - 1);
      isOver.value = depth > 0;
    };
    // Text that is dragged into a field is none of ours.
    const over = (event: DragEvent) => {
      if (hasFiles(event.dataTransfer)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      if (!event.dataTransfer || !hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      [depth, isOver.value] = [0, false];
      void addDropped(event.dataTransfer);
    };
    const all = { dragenter: enter, dragleave: leave, dragover: over, drop } as const;
    for (const [kind, listener] of Object.entries(all)) {
      document.addEventListener(kind, listener as EventListener);
    }
    return () => {
      for (const [kind, listener] of Object.entries(all)) {
        document.removeEventListener(kind, listener as EventListener);
      }
    };
  }, []);
  if (!isOver.value) return null;
  return (
    <div class="upload-cover" aria-hidden="true">
      <p>
        <Icon name="upload" /> {t("dropHere")}
      </p>
    </div>
  );
}

/** Preact's types do not know this attribute, which all browsers have. */
const OF_FOLDERS = { webkitdirectory: true };

/** Buttons that ask for files and for a folder. */
export function Choose({ isMain = false }: { isMain?: boolean }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (event: Event) => addChosen(event.currentTarget as HTMLInputElement);
  return (
    <div class="upload-choose">
      <button
        type="button"
        class={isMain ? "button button-main" : "button"}
        onClick={() => files.current?.click()}
      >
        <Icon name="upload" /> {t("files")}
      </button>
      <button type="button" class="button" onClick={() => folder.current?.click()}>
        <Icon name="folder" /> {t("folder")}
      </button>
      <input ref={files} type="file" multiple hidden data-files="files" onChange={take} />
      <input
        ref={folder}
        type="file"
        hidden
        data-files="folder"
        {...OF_FOLDERS}
        onChange={take}
      />
    </div>
  );
}
