/** Affine maps of the plane: from pixels of an image to CSS pixels of its pane. */

/** (x, y); in pixels of an image edges are counted from 0 at the upper left. */
export type Point = readonly [x: number, y: number];

/** x' = a x + c y + e, y' = b x + d y + f (as in SVG and canvas). */
export interface Matrix {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export const IDENTITY: Matrix = { a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 };

/** A point mapped. */
export function apply(m: Matrix, [x, y]: Point): Point {
  return [m.a * x + m.c * y + m.e, m.b * x + m.d * y + m.f];
}

/** The way back; the identity where there is none (a pane without size). */
export function inverse(m: Matrix): Matrix {
  const det = m.a * m.d - m.b * m.c;
  if (!Number.isFinite(1 / det)) return IDENTITY;
  return {
    a: m.d / det,
    b: -m.b / det,
    c: -m.c / det,
    d: m.a / det,
    e: (m.c * m.f - m.d * m.e) / det,
    f: (m.b * m.e - m.a * m.f) / det,
  };
}

/** As an SVG `transform`. */
export function svgMatrix({ a, b, c, d, e, f }: Matrix): string {
  return `matrix(${a} ${b} ${c} ${d} ${e} ${f})`;
}

/**
 * The step in pixels of the image that is seen as a step on the screen, so that an arrow
 * key moves where it points also on a flipped or turned image.
 *
 * @param toward (±1, 0) or (0, ±1) on the screen.
 */
export function screenStep(m: Matrix, toward: Point): Point {
  const [x, y] = apply(inverse({ ...m, e: 0, f: 0 }), toward);
  const length = Math.max(Math.abs(x), Math.abs(y)) || 1;
  return [tidy(x / length), tidy(y / length)];
}

/** Turns of 90° leave crumbs such as 6e-17, which would let a point creep. */
function tidy(value: number): number {
  return Math.abs(value) < 1e-6 ? 0 : value;
}
