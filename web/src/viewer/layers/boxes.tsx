/** Boxes over the image, and the one that a reader draws or moves. */

import { useRef } from "preact/hooks";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import type { Box, BoxLayer } from "~/viewer/stage";
import { arrowStep, sizeOf } from "~/viewer/tools/ground";
import { apply, inverse, type Matrix, type Point } from "~/viewer/tools/matrix";
import { Handle } from "~/viewer/tools/overlay";
import { EDGES, type Edge, handleAt, movedBox, tidy, withEdge } from "./box";
import { boxOn, type Editor, editorOf, previewBox, setBox } from "./editor";
import { boxesOn } from "./seen";
import { t } from "./texts";

/** The boxes of what a pane shows. */
export function Boxes({ desk, pane }: { desk: Desk; pane: Pane }) {
  const matrix = pane.placed.value;
  if (!matrix) return null;
  return (
    <>
      {boxesOn(desk.stage, pane).map((layer) => (
        <ShownBox key={layer.id} desk={desk} layer={layer} matrix={matrix} />
      ))}
    </>
  );
}

function ShownBox({
  desk,
  layer,
  matrix,
}: {
  desk: Desk;
  layer: BoxLayer;
  matrix: Matrix;
}) {
  const isSelected = desk.stage.selected.value === layer.id;
  const name = t("boxNamed", { label: layer.label });
  const [x, y] = labelPlace(layer.box, matrix);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a drawing cannot be an HTML button
    <g
      class={`viewer-box viewer-layer-${layer.colour % 8}${isSelected ? " is-selected" : ""}${layer.isReaders ? " is-readers" : ""}`}
      role="button"
      tabindex={0}
      aria-label={layer.isReaders ? `${name}, ${t("readers")}` : name}
      aria-pressed={isSelected}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.stopPropagation();
        desk.stage.selected.value = layer.id;
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        desk.stage.selected.value = layer.id;
      }}
    >
      <path class="viewer-box-halo" d={boxPath(layer.box, matrix)} />
      <path class="viewer-box-line" d={boxPath(layer.box, matrix)} />
      <path class="viewer-reach" d={boxPath(layer.box, matrix)} />
      <text class="viewer-box-label" x={x} y={y}>
        {layer.label}
      </text>
    </g>
  );
}

/** The four sides as they are seen. */
export function boxPath([left, top, right, bottom]: Box, matrix: Matrix): string {
  const corners: Point[] = [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
  return `M${corners.map((corner) => apply(matrix, corner).join(" ")).join("L")}Z`;
}

/** Above the upper left corner as it is seen. */
function labelPlace([left, top, right, bottom]: Box, matrix: Matrix): Point {
  const seen = (
    [
      [left, top],
      [right, bottom],
    ] as Point[]
  ).map((at) => apply(matrix, at));
  const x = Math.min(...seen.map(([each]) => each));
  const y = Math.min(...seen.map(([, each]) => each));
  return [Math.max(x + 2, 4), Math.max(y - 6, 14)];
}

/** The box being edited: over everything, it takes the pointer. */
export function BoxEditor({ desk, pane }: { desk: Desk; pane: Pane }) {
  const editor = editorOf(desk);
  const surface = useRef<SVGSVGElement>(null);
  const held = useRef<Held | null>(null);
  const [editing, matrix, size] = [boxOn(editor, pane), pane.placed.value, sizeOf(pane)];
  if (!editing || !matrix || !size) return null;
  const pointAt = (event: PointerEvent): Point => {
    const { left = 0, top = 0 } = surface.current?.getBoundingClientRect() ?? {};
    return apply(inverse(matrix), [event.clientX - left, event.clientY - top]);
  };
  const grasp = (event: PointerEvent, change: Held["change"]) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    surface.current?.setPointerCapture(event.pointerId);
    held.current = { from: pointAt(event), before: editing.box, change };
  };
  const { box } = editing;
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: each handle in it has its own name
    <svg
      ref={surface}
      class="viewer-box-editor"
      onPointerDown={(event) => {
        grasp(event, (from, to) => tidy([...from, ...to] as unknown as Box, size));
      }}
      onPointerMove={(event) => {
        const now = held.current;
        if (now) previewBox(editor, now.change(now.from, pointAt(event)));
      }}
      onPointerUp={(event) => endDrag(editor, held, pointAt(event))}
      onPointerCancel={(event) => endDrag(editor, held, pointAt(event))}
    >
      {box && (
        <>
          <path class="viewer-box-halo" d={boxPath(box, matrix)} />
          <path class="viewer-box-line" d={boxPath(box, matrix)} />
          <path
            class="viewer-box-inside"
            d={boxPath(box, matrix)}
            onPointerDown={(event) =>
              grasp(event, ([x, y], to) => movedBox(box, [to[0] - x, to[1] - y], size))
            }
          />
          {EDGES.map((edge) => (
            <Handle
              key={edge}
              at={apply(matrix, handleAt(box, edge))}
              label={t("boxHandle", { edge: t(edge) })}
              onPointerDown={(event) =>
                grasp(event, (_, to) => withEdge(box, edge, to, size))
              }
              onArrow={(toward, isFar) => pushEdge(editor, pane, edge, toward, isFar)}
            />
          ))}
        </>
      )}
    </svg>
  );
}

interface Held {
  readonly from: Point;
  readonly before: Box | null;
  readonly change: (from: Point, to: Point) => Box;
}

function endDrag(editor: Editor, held: { current: Held | null }, at: Point): void {
  const now = held.current;
  held.current = null;
  if (!now) return;
  const [x, y] = now.from;
  if (at[0] === x && at[1] === y) return; // a click changes nothing
  setBox(editor, now.before, now.change(now.from, at));
}

function pushEdge(
  editor: Editor,
  pane: Pane,
  edge: Edge,
  toward: Point,
  isFar: boolean,
): void {
  const [editing, size] = [boxOn(editor, pane), sizeOf(pane)];
  if (!editing?.box || !size) return;
  const [x, y] = arrowStep(pane, toward, isFar);
  const [atX, atY] = handleAt(editing.box, edge);
  setBox(editor, editing.box, withEdge(editing.box, edge, [atX + x, atY + y], size));
}
