/** The measurements of a study as a list: jump to each, delete it. */

import { Icon } from "~/shell/icon";
import { jumpTo } from "./jump";
import type { Kit } from "./kit";
import { whereText } from "./reading_text";
import { t } from "./texts";

/** All measurements of the study that is looked at. */
export function MeasureList({ kit }: { kit: Kit }) {
  const shelf = kit.shelfOf(kit.ground.value);
  const shapes = shelf.shapes.value;
  if (shapes.length === 0) return <p class="viewer-list-empty">{t("noMeasurements")}</p>;
  return (
    <section class="viewer-list" aria-label={t("measurements")}>
      <ol>
        {shapes.map((shape, at) => {
          const text = shelf.textOf(shape);
          const name = t("shapeNamed", { kind: t(shape.kind), n: at + 1, text });
          return (
            <li key={shape.id}>
              <button
                type="button"
                class="viewer-list-item"
                aria-pressed={shelf.selected.value === shape.id}
                title={t("select")}
                onClick={() => jumpTo(kit, shape)}
              >
                <strong>{t(shape.kind)}</strong> <span class="figures">{text}</span>{" "}
                <span class="faint">{whereText(shape.where)}</span>
              </button>
              <button
                type="button"
                class="icon-button"
                aria-label={t("deleteNamed", { shape: name })}
                title={t("delete")}
                onClick={() => shelf.remove(shape.id)}
              >
                <Icon name="trash" />
              </button>
            </li>
          );
        })}
      </ol>
      <p class="viewer-list-state" role="status">
        {t(shelf.state.value)}
      </p>
      {shapes.length > 1 && (
        <button type="button" class="button button-small" onClick={shelf.clear}>
          {t("deleteAll")}
        </button>
      )}
    </section>
  );
}
