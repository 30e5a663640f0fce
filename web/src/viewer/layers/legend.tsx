/** What lies over the image, in words beside its colours, with opacity and outline. */

import { keycaps } from "~/core/keys/chord";
import { commands, keysOf } from "~/core/keys/commands";
import type { Desk } from "~/viewer/stack/desk";
import type { Layer } from "~/viewer/stage";
import { CommandButton } from "~/viewer/tools/toolbar";
import type { LaidOver, SeenPicture } from "./seen";
import { t } from "./texts";

/** The legend of an image or a plane; nothing where nothing lies over it. */
export function Legend({ desk, over }: { desk: Desk; over: LaidOver }) {
  const { stage } = desk;
  if (stage.areHidden.value && stage.layers.value.length > 0) return <Hidden />;
  const [pictures, boxes] = [over.pictures(), over.boxes()];
  if (pictures.length + boxes.length === 0) return null;
  const hasSupport = pictures.some(({ layer }) => layer.kind === "evidence");
  return (
    <section class="viewer-legend" aria-label={t("layers")}>
      <ul>
        {pictures.map((picture) => (
          <Line
            key={picture.layer.id}
            desk={desk}
            layer={picture.layer}
            said={wordOf(picture)}
          />
        ))}
        {boxes.map((layer) => (
          <Line key={layer.id} desk={desk} layer={layer} said={layer.label} />
        ))}
      </ul>
      {hasSupport && (
        <>
          <p class="viewer-legend-scale">
            <span>{t("little")}</span>
            <span class="viewer-legend-ramp" />
            <span>{t("much")}</span>
          </p>
          <p class="viewer-legend-note">{t("support")}</p>
        </>
      )}
    </section>
  );
}

function Hidden() {
  const command = commands.value.find(({ id }) => id === "viewer.hide-layers");
  const key = command
    ? keysOf(command)
        .map((chord) => keycaps(chord).join(" "))
        .join(", ")
    : "";
  return <p class="viewer-legend">{t("hidden", { key })}</p>;
}

function wordOf({ layer, state, isPainted }: SeenPicture): string {
  const label = layer.label || t("painting");
  if (state === "loading") return t("loading", { label });
  if (state === "failed") return t("failed", { label });
  if (state === "misfit") return t("misfit", { label });
  if (state === "large") return t("large", { label });
  return isPainted ? `${label} (${t("readers")})` : label;
}

function Line({ desk, layer, said }: { desk: Desk; layer: Layer; said: string }) {
  const isSelected = desk.stage.selected.value === layer.id;
  return (
    <li>
      <button
        type="button"
        aria-pressed={isSelected}
        onClick={() => {
          desk.stage.selected.value = layer.id;
        }}
      >
        <span
          class={`viewer-swatch viewer-swatch-${layer.kind} viewer-layer-${layer.colour % 8}`}
        />
        {said} <span class="viewer-legend-kind">{t(layer.kind)}</span>
      </button>
    </li>
  );
}

/** Hide, outline and opacity in the bar above the panes. */
export function LayerControls({ desk }: { desk: Desk }) {
  const { stage } = desk;
  if (stage.layers.value.length === 0) return null;
  return (
    <div class="viewer-layer-controls">
      <CommandButton
        id="viewer.hide-layers"
        icon="hide-layers"
        isPressed={stage.areHidden.value}
      />
      <CommandButton
        id="viewer.outline"
        icon="outline"
        isPressed={stage.isOutline.value}
      />
      <input
        type="range"
        min={0}
        max={1}
        step={0.05}
        value={stage.opacity.value}
        aria-label={t("opacity")}
        title={t("opacity")}
        onInput={(event) => {
          stage.opacity.value = event.currentTarget.valueAsNumber;
        }}
      />
    </div>
  );
}
