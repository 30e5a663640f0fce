/** A figure in a table: the value, and its interval in the line below. */

import { interval, type Style, written } from "./figure";
import type { Figure } from "./told";

/** Never broken in the middle; the reason where there is no value. */
export function FigureCell({
  figure,
  style = "plain",
}: {
  figure: Figure | undefined;
  style?: Style;
}) {
  if (!figure || figure.value === null) return <>{figure?.reason || "–"}</>;
  return (
    <>
      <strong>{written(figure.value, style)}</strong>
      <small class="models-ends">{interval(figure, style)}</small>
    </>
  );
}
