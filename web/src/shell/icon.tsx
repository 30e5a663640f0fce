/** Icons as paths on a 24-pixel grid; decoration only, a text always stands beside. */

const PATHS = {
  alert: "M12 3 2 20h20L12 3Zm0 6v5m0 3v.5",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-8 9c0-4 3.6-7 8-7s8 3 8 7",
  blank: "",
  check: "m4 12 5 6L20 6",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-14v5l3.500 2",
  dots: "M5 12h.01M12 12h.01M19 12h.01",
  folder: "M3 6h6l2 2h10v11H3V6Z",
  link: "M14 4h6v6m0-6-9 9M18 14v6H4V6h6",
  refresh: "M20 11a8 8 0 1 0-1 5m1-9v4h-4",
  rows: "M3 5h18M3 10h18M3 15h18M3 20h18",
  chevron: "m9 5 7 7-7 7",
  close: "m5 5 14 14M19 5 5 19",
  comment: "M4 5h16v11H10l-5 4v-4H4V5Z",
  download: "M12 3v12m-5-5 5 5 5-5M4 20h16",
  edit: "m4 20 1-5L16 4l4 4L9 19l-5 1Z",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12Zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  "eye-off": "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12ZM4 3l16 18",
  filter: "M3 5h18l-7 8v6l-4 2v-8L3 5Z",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2m0 3v.5M12 22a10 10 0 1 0 0-20 10 10 0 0 0 0 20Z",
  keyboard: "M3 7h18v11H3V7Zm4 4h.5m4 0h.5m4 0h.5M8 15h8",
  menu: "M4 6h16M4 12h16M4 18h16",
  moon: "M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10Z",
  panel: "M3 5h18v14H3V5Zm11 0v14",
  plus: "M12 5v14M5 12h14",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm5-1.500 5 5",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0-14v3m0 14v3M2 12h3m14 0h3M5 5l2 2m10 10 2 2M5 19l2-2M17 7l2-2",
  trash: "M4 7h16M9 7V4h6v3m-9 0 1 13h10l1-13",
  upload: "M12 16V4m-5 5 5-5 5 5M4 20h16",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon, hidden from assistive technology. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
