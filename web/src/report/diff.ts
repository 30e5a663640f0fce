/** What changed between two texts, word by word (longest common subsequence). */

/** A run of words that stayed, came or went. */
export interface Piece {
  readonly kind: "same" | "added" | "removed";
  readonly text: string;
}

// The table grows with the product of both lengths: 4 million cells are 16 MB.
const MOST_CELLS = 4_000_000;

/**
 * The pieces of both texts in order; those that are not "added" make up the former,
 * those that are not "removed" the latter, to the letter.
 *
 * Long texts are compared line by line.
 */
export function diff(before: string, after: string): readonly Piece[] {
  const words = [split(before, WORDS), split(after, WORDS)] as const;
  const isSmall = words[0].length * words[1].length <= MOST_CELLS;
  if (isSmall) return readable(compare(...words), before, after);
  const lines = [split(before, LINES), split(after, LINES)] as const;
  if (lines[0].length * lines[1].length <= MOST_CELLS) return compare(...lines);
  return exchanged(before, after);
}

/** The former text as a whole, then the latter. */
function exchanged(before: string, after: string): readonly Piece[] {
  return joined([
    { kind: "removed", text: before },
    { kind: "added", text: after },
  ]);
}

const FEW = 1 / 3;

/** Two texts of which hardly a word is the same are told one after the other. */
function readable(
  pieces: readonly Piece[],
  before: string,
  after: string,
): readonly Piece[] {
  const same = pieces.filter(({ kind }) => kind === "same").map(({ text }) => text);
  const shorter = Math.min(countOf(before), countOf(after));
  return countOf(same.join(" ")) < FEW * shorter ? exchanged(before, after) : pieces;
}

function countOf(text: string): number {
  return split(text, WORDS).filter((each) => /[\p{L}\p{N}]/u.test(each)).length;
}

// A word of letters or figures, a Chinese character, a run of blanks, or one other sign.
const WORDS = /\p{Script=Han}|[\p{L}\p{N}]+(?:[.,]\p{N}+)*|\s+|[^\p{L}\p{N}\s]/gu;
const LINES = /[^\n]*\n|[^\n]+$/g;

function split(text: string, by: RegExp): readonly string[] {
  return text.match(by) ?? [];
}

function compare(a: readonly string[], b: readonly string[]): readonly Piece[] {
  const width = b.length + 1;
  // lengths[i * width + j]: of the longest common subsequence of a[i…] and b[j…]
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const right = lengths[i * width + j + 1] ?? 0;
      const below = lengths[(i + 1) * width + j] ?? 0;
      const across = lengths[(i + 1) * width + j + 1] ?? 0;
      lengths[i * width + j] = a[i] === b[j] ? across + 1 : Math.max(right, below);
    }
  }
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const [old, fresh] = [a[i], b[j]];
    const isSame = old !== undefined && old === fresh;
    const below = lengths[(i + 1) * width + j] ?? 0;
    const right = lengths[i * width + j + 1] ?? 0;
    if (isSame) {
      pieces.push({ kind: "same", text: old });
      i += 1;
      j += 1;
    } else if (fresh === undefined || (old !== undefined && below >= right)) {
      pieces.push({ kind: "removed", text: old ?? "" });
      i += 1;
    } else {
      pieces.push({ kind: "added", text: fresh });
      j += 1;
    }
  }
  return joined(pieces);
}

/** Neighbours of one kind as one piece. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  const runs: Piece[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (piece.text === "") continue;
    if (last?.kind === piece.kind) {
      runs[runs.length - 1] = { kind: piece.kind, text: last.text + piece.text };
    } else runs.push(piece);
  }
  return runs;
}
