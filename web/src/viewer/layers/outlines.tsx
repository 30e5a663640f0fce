/** Maps and masks as outlines: a map at half of the strongest support, a mask along its pixels. */

import { useMemo } from "preact/hooks";
import type { Stage } from "~/viewer/stage";
import { svgMatrix } from "~/viewer/tools/matrix";
import { evidencePath, maskPath } from "./contour";
import type { LaidOver, SeenPicture } from "./seen";

/** The outlines of what lies over an image or a plane; nothing unless they are asked for. */
export function Outlines({ stage, over }: { stage: Stage; over: LaidOver }) {
  const [matrix, extent] = [over.placed.value, over.extent.value];
  if (!stage.isOutline.value || !matrix || !extent) return null;
  return (
    <g transform={svgMatrix(matrix)}>
      {over.pictures().map((picture) => (
        <Outline
          key={picture.layer.id}
          picture={picture}
          over={extent}
          version={picture.isPainted ? stage.painted.value : null}
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
