/** The window as two sliders, two numbers and a list: no drag is needed for it. */

import { useSignal } from "@preact/signals";
import type { Pane } from "~/viewer/stack/pane_state";
import { rangeOf, setWindow, usePreset, windowNow } from "./gesture";
import type { Preset } from "./presets";
import { t } from "./texts";
import { presetsOn, presetText } from "./view_commands";

/** Center, width and presets of a pane. */
export function WindowFields({ pane }: { pane: Pane }) {
  const [now, range] = [windowNow(pane), rangeOf(pane)];
  if (!now || !range) return null;
  const presets = presetsOn(pane);
  const span = Math.max(range[1] - range[0], 1);
  const isFine = span < 20;
  const change = (what: "center" | "width") => (value: number) => {
    // Not the window that was drawn: the other field may have changed it since.
    const last = windowNow(pane);
    if (last && Number.isFinite(value)) setWindow(pane, { ...last, [what]: value });
  };
  return (
    <fieldset class="viewer-window">
      <legend class="unseen">{t("windowFields")}</legend>
      {presets.length > 0 && (
        <select
          aria-label={t("presets")}
          title={t("presets")}
          value={presetNow(pane, presets)}
          onChange={(event) => {
            const chosen = presets[Number(event.currentTarget.value)];
            if (chosen) usePreset(pane, chosen);
          }}
        >
          <option value="" disabled hidden>
            {t("window")}
          </option>
          {presets.map((preset, at) => (
            <option key={presetText(preset, pane)} value={at}>
              {at + 1} {presetText(preset, pane)}
            </option>
          ))}
        </select>
      )}
      <Field
        name={t("center")}
        value={now.center}
        least={range[0]}
        most={range[1]}
        isFine={isFine}
        onChange={change("center")}
      />
      <Field
        name={t("width")}
        value={now.width}
        least={isFine ? span / 1000 : 1}
        most={span}
        isFine={isFine}
        onChange={change("width")}
      />
    </fieldset>
  );
}

/** Which preset is used now, "" for a window of the reader's own. */
function presetNow(pane: Pane, presets: readonly Preset[]): string {
  const [used, vois] = [pane.usedVoi.value, pane.shown.value?.picture.vois ?? []];
  if (pane.voi.value === null || vois.some((each) => each === used)) return "0";
  const at = presets.findIndex(
    (each) =>
      each.kind === "fixed" &&
      used?.kind === "window" &&
      used.center === each.center &&
      used.width === each.width,
  );
  return at < 0 ? "" : String(at);
}

interface FieldProps {
  readonly name: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly isFine: boolean;
  readonly onChange: (value: number) => void;
}

function Field({ name, value, least, most, isFine, onChange }: FieldProps) {
  const step = isFine ? "any" : 1;
  const shown = isFine ? Number(value.toPrecision(4)) : Math.round(value);
  // What is typed stays as it is until it is taken, whatever is drawn meanwhile.
  const typed = useSignal<string | null>(null);
  const end = () => {
    typed.value = null;
  };
  return (
    <label class="viewer-window-field">
      <span>{name}</span>
      <input
        type="range"
        aria-label={name}
        min={Math.min(least, value)}
        max={Math.max(most, value)}
        step={step}
        value={value}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
      <input
        type="number"
        aria-label={name}
        step={step}
        value={typed.value ?? shown}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onChange={(event) => {
          end();
          onChange(event.currentTarget.valueAsNumber);
        }}
        onBlur={end}
      />
    </label>
  );
}
