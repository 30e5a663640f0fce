/** How the layers over the image look: how strong, as outline, or away. */

import { Icon } from "~/shell/icon";
import type { Stage } from "~/viewer/stage";
import { t } from "./texts";

/** Opacity, outline and hiding, with the sentence that evidence wants beside it. */
export function LayerBar({ stage }: { stage: Stage }) {
  if (stage.layers.value.length === 0) return null;
  return (
    <section class="findings-layers" aria-label={t("layers")}>
      <label class="findings-opacity">
        <span>{t("opacity")}</span>
        <input
          type="range"
          min="0"
          max="100"
          step="5"
          value={Math.round(100 * stage.opacity.value)}
          onInput={(event) => {
            stage.opacity.value = Number(event.currentTarget.value) / 100;
          }}
        />
      </label>
      <button
        type="button"
        class="button button-small"
        aria-pressed={stage.isOutline.value}
        onClick={() => {
          stage.isOutline.value = !stage.isOutline.value;
        }}
      >
        {t("outline")}
      </button>
      <button
        type="button"
        class="button button-small"
        aria-pressed={stage.areHidden.value}
        onClick={() => {
          stage.areHidden.value = !stage.areHidden.value;
        }}
      >
        <Icon name={stage.areHidden.value ? "eye-off" : "eye"} /> {t("hideAll")}
      </button>
      <p class="faint">{t("evidenceNote")}</p>
    </section>
  );
}
