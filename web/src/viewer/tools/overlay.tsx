/** Measurements over an image or a plane: drawn, taken hold of, and set by keys. */

import { useRef } from "preact/hooks";
import { arrowStep, type Ground, sizeOf } from "./ground";
import {
  type Kit,
  measured,
  place,
  placedOn,
  reshaped,
  set,
  shapesOn,
  start,
} from "./kit";
import { apply, inverse, type Point } from "./matrix";
import { SLIP } from "./place";
import { handlesOf, isKind, movedBy, onto, withHandle } from "./shape";
import { ShapeDrawing } from "./shape_drawing";
import type { Kept } from "./shelf";
import { t } from "./texts";

/** The measurements of what a ground shows. */
export function MeasureOverlay({ kit, ground }: { kit: Kit; ground: Ground }) {
  const surface = useRef<SVGSVGElement>(null);
  const drag = useRef<Drag | null>(null);
  const matrix = ground.placed.value;
  if (!matrix || !ground.spot()) return null;
  const isMeasuring = isKind(ground.tool.value) && ground.isFree();
  const pointAt = (event: PointerEvent): Point => {
    const { left = 0, top = 0 } = surface.current?.getBoundingClientRect() ?? {};
    return apply(inverse(matrix), [event.clientX - left, event.clientY - top]);
  };
  const grasp = (event: PointerEvent, of: Drag) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    surface.current?.setPointerCapture(event.pointerId);
    drag.current = of;
  };
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0 || !isMeasuring || !event.isPrimary) return;
    event.stopPropagation();
    ground.take();
    surface.current?.setPointerCapture(event.pointerId);
    const size = sizeOf(ground);
    if (!size) return;
    const at = pointAt(event);
    const isGoingOn = placedOn(kit, ground) !== null;
    if (isGoingOn) place(kit, ground, at);
    else start(kit, ground, onto(at, size), "pointer");
    drag.current = { kind: "placing", from: [event.clientX, event.clientY], isGoingOn };
  };
  const onMove = (event: PointerEvent) => {
    const held = drag.current;
    if (held && held.kind !== "placing") moveHeld(kit, ground, held, pointAt(event));
    else if (placedOn(kit, ground)) place(kit, ground, pointAt(event));
  };
  const onUp = (event: PointerEvent) => {
    const held = drag.current;
    drag.current = null;
    if (!held) return;
    event.stopPropagation();
    if (held.kind !== "placing") return letGo(kit, ground, held);
    const [x, y] = held.from;
    const hasMoved = Math.hypot(event.clientX - x, event.clientY - y) > SLIP;
    // A click sets one point, and the next follows the pointer until the next click.
    if (hasMoved || held.isGoingOn) set(kit, ground);
  };
  const placing = placedOn(kit, ground);
  const room = surface.current?.clientWidth || Number.POSITIVE_INFINITY;
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: each shape in it has its own name
    <svg
      ref={surface}
      class={isMeasuring ? "viewer-measures is-measuring" : "viewer-measures"}
      onPointerDown={onDown}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerCancel={onUp}
    >
      {shapesOn(kit, ground).map((shape, at) => (
        <KeptShape
          key={shape.id}
          kit={kit}
          ground={ground}
          room={room}
          shape={shape}
          n={at + 1}
          grasp={grasp}
          pointAt={pointAt}
        />
      ))}
      {placing && (
        <ShapeDrawing
          shape={measured(ground, {
            id: "placing",
            kind: placing.shape.kind,
            ...placing.shape.spot,
            points: ground.kept(placing.points),
          })}
          points={placing.points}
          matrix={matrix}
          isSelected
          room={room}
          cross={placing.shape.at}
        />
      )}
    </svg>
  );
}

type Drag =
  | { readonly kind: "placing"; readonly from: Point; readonly isGoingOn: boolean }
  | { readonly kind: "handle"; readonly shape: Kept; readonly handle: number }
  | { readonly kind: "whole"; readonly shape: Kept; readonly from: Point };

function moveHeld(
  kit: Kit,
  ground: Ground,
  held: Exclude<Drag, { kind: "placing" }>,
  at: Point,
): void {
  const size = sizeOf(ground);
  if (!size) return;
  const seen = { kind: held.shape.kind, points: ground.seen(held.shape) };
  const points =
    held.kind === "handle"
      ? withHandle(seen, held.handle, onto(at, size))
      : movedBy(seen.points, [at[0] - held.from[0], at[1] - held.from[1]], size);
  kit.shelfOf(ground).preview(reshaped(ground, held.shape, points));
}

function letGo(kit: Kit, ground: Ground, { shape }: { shape: Kept }): void {
  const shelf = kit.shelfOf(ground);
  const now = shelf.shapes.value.find(({ id }) => id === shape.id);
  if (now && now !== shape) shelf.put(now);
}

interface KeptProps {
  readonly kit: Kit;
  readonly ground: Ground;
  readonly room: number;
  readonly shape: Kept;
  readonly n: number;
  readonly grasp: (event: PointerEvent, of: Drag) => void;
  readonly pointAt: (event: PointerEvent) => Point;
}

function KeptShape({ kit, ground, room, shape, n, grasp, pointAt }: KeptProps) {
  const shelf = kit.shelfOf(ground);
  const matrix = ground.placed.value;
  if (!matrix) return null;
  const seen = { kind: shape.kind, points: ground.seen(shape) };
  const isSelected = shelf.selected.value === shape.id;
  const name = t("shapeNamed", { kind: t(shape.kind), n, text: shelf.textOf(shape) });
  const select = () => {
    ground.take();
    shelf.selected.value = shape.id;
  };
  return (
    <g>
      {/* biome-ignore lint/a11y/useSemanticElements: a drawing cannot be an HTML button */}
      <g
        class="viewer-shape"
        role="button"
        tabindex={0}
        aria-label={name}
        aria-pressed={isSelected}
        onFocus={select}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          select();
          grasp(event, { kind: "whole", shape, from: pointAt(event) });
        }}
      >
        <ShapeDrawing
          shape={shape}
          points={seen.points}
          matrix={matrix}
          isSelected={isSelected}
          room={room}
        />
      </g>
      {isSelected &&
        handlesOf(seen).map((at, handle) => (
          <Handle
            key={handle}
            at={apply(matrix, at)}
            label={t("handle", { n: handle + 1, shape: name })}
            onPointerDown={(event) => grasp(event, { kind: "handle", shape, handle })}
            onArrow={(toward, isFar) => {
              const size = sizeOf(ground);
              if (!size) return;
              const [x, y] = arrowStep(ground, toward, isFar);
              const to = onto([at[0] + x, at[1] + y], size);
              shelf.put(reshaped(ground, shape, withHandle(seen, handle, to)));
            }}
          />
        ))}
    </g>
  );
}

const TOWARD: Readonly<Record<string, Point>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface HandleProps {
  readonly at: Point;
  readonly label: string;
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onArrow: (toward: Point, isFar: boolean) => void;
}

/** A point that can be held, 24 CSS pixels wide, and moved by keys while it has the focus. */
export function Handle({ at, label, onPointerDown, onArrow }: HandleProps) {
  const onKey = (event: KeyboardEvent) => {
    const toward = TOWARD[event.key];
    if (!toward) return;
    event.preventDefault();
    event.stopPropagation();
    onArrow(toward, event.shiftKey);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a drawing cannot be an HTML button
    <g
      class="viewer-handle"
      role="button"
      tabindex={0}
      aria-label={label}
      onPointerDown={onPointerDown}
      onKeyDown={onKey}
    >
      <circle class="viewer-handle-reach" cx={at[0]} cy={at[1]} r={14} />
      <circle class="viewer-handle-dot" cx={at[0]} cy={at[1]} r={5} />
    </g>
  );
}
