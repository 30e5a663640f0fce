/** A place to drop files on, with buttons that do the same. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { Icon } from "~/shell/icon";
import { toastFailed } from "~/shell/toast";
import { dropped, membersOf } from "./gather";
import type { Member } from "./zip";

interface Props {
  readonly filesText: string;
  readonly folderText: string;
  /** Kinds that the picker offers; "" for all. */
  readonly accept?: string;
  readonly onMembers: (members: readonly Member[]) => void;
  readonly children: ComponentChildren;
}

/** The place; it lights up while files are held over it. */
export function Drop({ filesText, folderText, accept = "", onMembers, children }: Props) {
  const isOver = useMemo(() => signal(false), []);
  const [files, folder] = [
    useRef<HTMLInputElement>(null),
    useRef<HTMLInputElement>(null),
  ];
  const take = (event: Event & { currentTarget: HTMLInputElement }) => {
    onMembers(membersOf(event.currentTarget.files ?? []));
    event.currentTarget.value = ""; // the same files can be chosen again
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    isOver.value = false;
    if (event.dataTransfer) dropped(event.dataTransfer).then(onMembers, toastFailed);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the buttons within do the same.
    <div
      class={isOver.value ? "models-drop models-drop-over" : "models-drop"}
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={onDrop}
    >
      <Icon name="upload" />
      <div class="models-drop-text">{children}</div>
      <div class="models-tools">
        <button type="button" class="button" onClick={() => files.current?.click()}>
          {filesText}
        </button>
        <button type="button" class="button" onClick={() => folder.current?.click()}>
          {folderText}
        </button>
      </div>
      <input ref={files} type="file" multiple accept={accept} hidden onChange={take} />
      <input
        ref={(element) => {
          folder.current = element;
          element?.setAttribute("webkitdirectory", "");
        }}
        type="file"
        hidden
        onChange={take}
      />
    </div>
  );
}
