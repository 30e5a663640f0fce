/** The bar of tools: every button is a command, its tooltip says the key. */

import { useSignal } from "@preact/signals";
import { keycaps } from "~/core/keys/chord";
import { commands, keysOf, run } from "~/core/keys/commands";
import { isIcon, type ToolIcon, ToolMark } from "./icons";
import type { Kit } from "./kit";
import { PANE_TOOLS } from "./pane_ground";
import { t } from "./texts";
import { WindowFields } from "./window_fields";

const VIEWS = [
  "zoom-in",
  "zoom-out",
  "fit",
  "one-to-one",
  "invert",
  "flip-horizontal",
  "flip-vertical",
  "turn",
  "reset",
] as const;

/** Tools, views and window of the active pane. */
export function Toolbar({
  kit,
  children,
}: {
  kit: Kit;
  children?: preact.ComponentChildren;
}) {
  const isOpen = useSignal(false);
  const { tool, activePane, mode } = kit.desk;
  // Another mode has tools of its own; the window is the same.
  if (mode.value !== null) {
    return (
      <div class="viewer-toolbar" role="toolbar" aria-label={t("tools")}>
        <WindowFields pane={activePane.value} />
        <CommandButton
          id="viewer.invert"
          icon="invert"
          isPressed={activePane.value.isInverted.value}
        />
      </div>
    );
  }
  return (
    <div class="viewer-toolbar" role="toolbar" aria-label={t("tools")}>
      <div class="viewer-tools">
        {PANE_TOOLS.map((each) => (
          <CommandButton
            key={each}
            id={`tools.${each}`}
            icon={each}
            isPressed={tool.value === each && !kit.desk.stage.editing.value}
          />
        ))}
      </div>
      <WindowFields pane={activePane.value} />
      <button
        type="button"
        class="icon-button viewer-more"
        aria-expanded={isOpen.value}
        aria-label={t("more")}
        title={t("more")}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <ToolMark name="more" />
      </button>
      <div class={isOpen.value ? "viewer-views is-open" : "viewer-views"}>
        {VIEWS.map((each) => (
          <CommandButton
            key={each}
            id={`viewer.${each}`}
            icon={each}
            isPressed={each === "invert" ? activePane.value.isInverted.value : undefined}
          />
        ))}
        <CommandButton id="tools.undo" icon="undo" />
        <CommandButton id="tools.redo" icon="redo" />
      </div>
      {children}
    </div>
  );
}

interface ButtonProps {
  /** Of the command; the button is not there while the command is not. */
  readonly id: string;
  readonly icon: ToolIcon;
  readonly isPressed?: boolean | undefined;
  readonly isDisabled?: boolean;
}

/** A button that runs a command. */
export function CommandButton({ id, icon, isPressed, isDisabled = false }: ButtonProps) {
  const command = commands.value.find((each) => each.id === id);
  if (!command) return null;
  const keys = keysOf(command).map((chord) => keycaps(chord).join(" "));
  const name = command.text();
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={name}
      aria-pressed={isPressed}
      aria-keyshortcuts={keysOf(command).join(" ").replaceAll("Ctrl", "Control")}
      title={keys.length > 0 ? `${name} (${keys.join(", ")})` : name}
      disabled={isDisabled}
      onClick={() => run(id)}
    >
      {isIcon(icon) && <ToolMark name={icon} />}
    </button>
  );
}
