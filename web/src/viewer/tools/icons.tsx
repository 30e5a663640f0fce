/** Icons of the tools on a 24-pixel grid; a name always stands beside or behind them. */

const PATHS = {
  window: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 0v18m0-15h5m-5 4h7m-7 4h7m-7 4h4",
  pan: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3m12-6 3 3-3 3",
  zoom: "M10.5 17a6.5 6.500 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-1.5 5 5M10.5 7.500v6m-3-3h6",
  scroll: "M7 3h10v18H7V3Zm5 3v3m-2 7 2 2 2-2",
  length: "M4 20 20 4M3 16l5 5M16 3l5 5",
  angle: "M20 19H4L16 5M11 19a7 7 0 0 0-2.5-5.4",
  rectangle: "M4 6h16v12H4V6Z",
  ellipse: "M12 6c5 0 9 2.700 9 6s-4 6-9 6-9-2.700-9-6 4-6 9-6Z",
  crosshair: "M12 2v20M2 12h20",
  probe: "M12 3v6m0 6v6M3 12h6m6 0h6M12 11.500v1",
  "zoom-in":
    "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-1.500 5 5M10.5 7.500v6m-3-3h6",
  "zoom-out": "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-1.500 5 5M7.5 10.500h6",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  "one-to-one": "M6 8l2-2v12M16 8l2-2v12M12 10v.5m0 4v.5",
  invert: "M12 3a9 9 0 1 0 0 18V3Zm0 0a9 9 0 0 1 0 18",
  "flip-horizontal": "M12 3v18M9 7 3 17h6V7Zm6 0 6 10h-6V7Z",
  "flip-vertical": "M3 12h18M7 9 17 3v6H7Zm0 6 10 6v-6H7Z",
  turn: "M20 12a8 8 0 1 1-3-6.200M17 2v4h-4",
  reset: "M4 12a8 8 0 1 0 3-6.200M4 3v5h5",
  undo: "M4 9h10a6 6 0 0 1 0 12h-3M8 5 4 9l4 4",
  redo: "M20 9H10a6 6 0 0 0 0 12h3M16 5l4 4-4 4",
  list: "M9 6h11M9 12h11M9 18h11M4 6h.5M4 12h.5M4 18h.5",
  more: "M5 12h.5m6 0h.5m6 0h.5",
  "hide-layers": "m12 4 9 5-9 5-9-5 9-5Zm-9 9 9 5 9-5",
  outline: "M8 4c6-2 12 2 12 8s-5 9-10 8-8-4-7-9 2-6 5-7Z",
  brush: "M20 4 11 13m-2 0c3 0 4 2 3 4-1 3-5 4-9 3 2-1 2-2 2-4s2-3 4-3Z",
  eraser: "m8 20-5-5L14 4l6 6-10 10H8Zm0 0h12M9 9l6 6",
  fill: "m11 3 8 8-8 8-8-8 8-8Zm-8 8h16m1 4c1 2 2 3 2 4a2 2 0 0 1-4 0c0-1 1-2 2-4Z",
  mpr: "M12 3v18M3 12h18M4 4h16v16H4V4Z",
  "layout-1": "M4 5h16v14H4V5Z",
  "layout-2": "M4 5h16v14H4V5Zm8 0v14",
  "layout-4": "M4 5h16v14H4V5Zm8 0v14M4 12h16",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1m2 4a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  prior: "M12 7v5l4 2M4 12a8 8 0 1 0 3-6.200M4 3v5h5",
} as const;

export type ToolIcon = keyof typeof PATHS;

export const isIcon = (name: string): name is ToolIcon => Object.hasOwn(PATHS, name);

/** An icon, hidden from assistive technology. */
export function ToolMark({ name }: { name: ToolIcon }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
