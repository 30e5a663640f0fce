/** Keys as text: "j", "Shift+ArrowDown", "Ctrl+Enter", "?". */

/** The parts of a KeyboardEvent that matter here. */
export interface KeyLike {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  /** Place of the key on the keyboard: "KeyT". */
  readonly code?: string;
  getModifierState?(key: string): boolean;
}

const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "AltGraph", "CapsLock"]);

/**
 * The chord of a key press, "" for a modifier alone.
 *
 * A printable character already says whether Shift was held ("?" and not "Shift+/"), so
 * that the same binding works on every layout. Command counts as Ctrl. AltGr, which
 * Windows tells as Ctrl and Alt, is how other layouts write "{": no chord of its own.
 * Where a key writes no Latin letter ("о" of a Russian layout, "†" of Alt+t on macOS)
 * the place of the key counts.
 */
export function chordOf(event: KeyLike): string {
  if (MODIFIERS.has(event.key)) return "";
  const isPrintable = [...event.key].length === 1;
  const isWritten = isPrintable && event.getModifierState?.("AltGraph") === true;
  const key = event.key === " " ? "Space" : latin(event);
  const isLetter = /^[a-z]$/i.test(key);
  const parts = [
    !isWritten && (event.ctrlKey || event.metaKey) ? "Ctrl" : "",
    !isWritten && event.altKey ? "Alt" : "",
    event.shiftKey && (!isPrintable || isLetter || key === "Space") ? "Shift" : "",
    isLetter ? key.toLowerCase() : key,
  ];
  return parts.filter(Boolean).join("+");
}

function latin(event: KeyLike): string {
  const placed = /^Key([A-Z])$/.exec(event.code ?? "")?.[1];
  const isStrange = [...event.key].length === 1 && event.key.charCodeAt(0) > 127;
  return isStrange && placed ? placed.toLowerCase() : event.key;
}

const SYMBOLS: Readonly<Record<string, string>> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  PageUp: "PgUp",
  PageDown: "PgDn",
  Escape: "Esc",
};

/** A chord as keycaps: ["Ctrl", "↑"]. */
export function keycaps(chord: string): readonly string[] {
  const parts = chord === "+" ? ["+"] : chord.split(/\+(?!$)/);
  return parts.map(
    (part) => SYMBOLS[part] ?? (part.length === 1 ? part.toUpperCase() : part),
  );
}
