/** Maps and masks as outlines: a map at half of the strongest support, a mask along its pixels. */

import { useMemo } from "preact/hooks";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { svgMatrix } from "~/viewer/tools/matrix";
import { evidencePath, maskPath } from "./contour";
import { picturesOn, type SeenPicture } from "./seen";

/** The outlines of what lies on a pane's image; nothing unless they are asked for. */
export function Outlines({ desk, pane }: { desk: Desk; pane: Pane }) {
  const [matrix, extent] = [pane.placed.value, pane.extent.value];
  if (!desk.stage.isOutline.value || !matrix || !extent) return null;
  return (
    <g transform={svgMatrix(matrix)}>
      {picturesOn(desk.stage, pane).map((picture) => (
        <Outline
          key={picture.layer.id}
          picture={picture}
          over={extent}
          version={picture.isPainted ? desk.stage.painted.value : null}
        />
      ))}
    </g>
  );
}

interface Props {
  readonly picture: SeenPicture;
  readonly over: { readonly rows: number; readonly columns: number };
  /** Changes when painted values did, which keep their array. */
  readonly version: unknown;
}

function Outline({ picture: { grey, layer, value }, over, version }: Props) {
  const path = useMemo(() => {
    if (!grey) return "";
    return layer.kind === "evidence"
      ? evidencePath(grey, over)
      : maskPath(grey, value, over);
  }, [grey, layer.kind, value, over.rows, over.columns, version]);
  return path ? (
    <g
      class={`viewer-outline viewer-outline-${layer.kind} viewer-layer-${layer.colour % 8}`}
    >
      <path class="viewer-outline-halo" d={path} />
      <path class="viewer-outline-line" d={path} />
    </g>
  ) : null;
}
