/** One measurement drawn in CSS pixels, readable on bright and dark images alike. */

import { apply, type Matrix, type Point, svgMatrix } from "./matrix";
import { linesOf } from "./reading_text";
import { bounds, handlesOf } from "./shape";
import type { Kept } from "./shelf";

interface Props {
  readonly shape: Kept;
  /** Its points in pixels of what it lies on. */
  readonly points: readonly Point[];
  readonly matrix: Matrix;
  readonly isSelected: boolean;
  /** Width of what it is drawn on, in CSS pixels. */
  readonly room: number;
  /** The point that keys move, drawn as a cross. */
  readonly cross?: Point;
}

/** Outline and text of a shape. */
export function ShapeDrawing(props: Props) {
  const { shape, points, matrix, isSelected, room, cross } = props;
  const drawn = { kind: shape.kind, points };
  const seen = handlesOf(drawn).map((point) => apply(matrix, point));
  return (
    <g class={isSelected ? "viewer-drawn is-selected" : "viewer-drawn"}>
      <Outline shape={drawn} matrix={matrix} seen={seen} className="viewer-halo" />
      <Outline shape={drawn} matrix={matrix} seen={seen} className="viewer-line" />
      <Outline shape={drawn} matrix={matrix} seen={seen} className="viewer-reach" />
      {seen.length > 0 && (
        <Lines {...besideOf(seen, room)} lines={linesOf(shape, shape.reading)} />
      )}
      {cross && <Cross at={apply(matrix, cross)} />}
    </g>
  );
}

interface OutlineProps {
  readonly shape: Pick<Kept, "kind" | "points">;
  readonly matrix: Matrix;
  readonly seen: readonly Point[];
  readonly className: string;
}

function Outline({ shape, matrix, seen, className }: OutlineProps) {
  const [p] = seen;
  if (!p) return null;
  if (shape.kind === "probe") return <path class={className} d={crossPath(p, 7)} />;
  if (shape.kind === "ellipse" && shape.points.length === 2) {
    const [left, top, right, bottom] = bounds(shape.points);
    return (
      <ellipse
        class={className}
        transform={svgMatrix(matrix)}
        cx={(left + right) / 2}
        cy={(top + bottom) / 2}
        rx={(right - left) / 2}
        ry={(bottom - top) / 2}
      />
    );
  }
  const path = `M${seen.map((point) => point.join(" ")).join("L")}`;
  const isClosed = shape.kind === "rectangle";
  return <path class={className} d={isClosed ? `${path}Z` : path} />;
}

/** CSS pixels that a line of a reading may need. */
const LINE_WIDTH = 150;

/** Where a text stands, and which of its ends is there. */
interface Beside {
  readonly at: Point;
  readonly anchor: "start" | "end";
}

/** To the right of the rightmost point; where there is no room, left of the leftmost. */
function besideOf(seen: readonly Point[], room: number): Beside {
  const right = seen.reduce((best, point) => (point[0] > best[0] ? point : best));
  const left = seen.reduce((best, point) => (point[0] < best[0] ? point : best));
  const isTight = right[0] + LINE_WIDTH > room && left[0] > LINE_WIDTH;
  return isTight
    ? { at: [left[0] - 10, left[1] + 4], anchor: "end" }
    : { at: [right[0] + 10, right[1] + 4], anchor: "start" };
}

function Lines({ at, anchor, lines }: Beside & { readonly lines: readonly string[] }) {
  return (
    <text class="viewer-reading" x={at[0]} y={at[1]} text-anchor={anchor}>
      {lines.map((line, index) => (
        <tspan key={line} x={at[0]} dy={index === 0 ? 0 : "1.25em"}>
          {line}
        </tspan>
      ))}
    </text>
  );
}

/** The cross that keys move. */
export function Cross({ at }: { at: Point }) {
  return (
    <g>
      <path class="viewer-halo" d={crossPath(at, 12)} />
      <path class="viewer-line" d={crossPath(at, 12)} />
    </g>
  );
}

function crossPath([x, y]: Point, size: number): string {
  return `M${x - size} ${y}H${x - 2}M${x + 2} ${y}H${x + size}M${x} ${y - size}V${y - 2}M${x} ${y + 2}V${y + size}`;
}
