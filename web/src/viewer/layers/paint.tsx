/** The brush over the image: its circle follows the pointer, its cross the keys. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { apply, inverse, type Point, svgMatrix } from "~/viewer/tools/matrix";
import { Cross } from "~/viewer/tools/shape_drawing";
import { beginStroke, brushOf, editorOf, type Stroke } from "./editor";

/** Takes the pointer while a mask is painted. */
export function PaintSurface({ desk, pane }: { desk: Desk; pane: Pane }) {
  const editor = editorOf(desk);
  const surface = useRef<SVGSVGElement>(null);
  const running = useRef<Stroke | null>(null);
  const pointer = useSignal<Point | null>(null);
  const [brush, matrix] = [brushOf(editor), pane.placed.value];
  if (!brush || !matrix || !pane.shown.value) return null;
  const pointAt = (event: PointerEvent): Point => {
    const { left = 0, top = 0 } = surface.current?.getBoundingClientRect() ?? {};
    return apply(inverse(matrix), [event.clientX - left, event.clientY - top]);
  };
  const end = () => {
    running.current?.end();
    running.current = null;
  };
  const isActive = desk.activePane.value === pane;
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: the panel beside it says what is painted
    <svg
      ref={surface}
      class="viewer-paint"
      onPointerDown={(event) => {
        if (event.button !== 0 || !event.isPrimary) return;
        event.stopPropagation();
        desk.active.value = desk.panes.value.indexOf(pane);
        surface.current?.setPointerCapture(event.pointerId);
        running.current = beginStroke(editor, pane, pointAt(event));
      }}
      onPointerMove={(event) => {
        pointer.value = pointAt(event);
        // A quick hand makes several movements between two frames.
        for (const each of event.getCoalescedEvents?.() ?? [event]) {
          running.current?.to(pointAt(each));
        }
      }}
      onPointerLeave={() => {
        pointer.value = null;
      }}
      onPointerUp={end}
      onPointerCancel={end}
    >
      {pointer.value && (
        <g transform={svgMatrix(matrix)}>
          <BrushRing at={pointer.value} radius={brush.radius} />
        </g>
      )}
      {isActive && editor.cross.value && (
        <>
          <g transform={svgMatrix(matrix)}>
            <BrushRing at={editor.cross.value} radius={brush.radius} />
          </g>
          <Cross at={apply(matrix, editor.cross.value)} />
        </>
      )}
    </svg>
  );
}

function BrushRing({ at: [x, y], radius }: { at: Point; radius: number }) {
  return (
    <>
      <circle class="viewer-halo" cx={x} cy={y} r={radius} />
      <circle class="viewer-line" cx={x} cy={y} r={radius} />
    </>
  );
}
