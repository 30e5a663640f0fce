/** Counts of a confusion matrix with the shares of their rows. */

/** One cell: how many, and of all that belong to the row. */
export interface Cell {
  readonly count: number;
  /** null in a row without cases. */
  readonly share: number | null;
}

/** Cells row by row; rows are the reference, columns the decision. */
export function cellsOf(counts: readonly (readonly number[])[]): readonly Cell[][] {
  return counts.map((row) => {
    const sum = row.reduce((all, each) => all + each, 0);
    return row.map((count) => ({ count, share: sum > 0 ? count / sum : null }));
  });
}

/** One of six shades for a share: 0 for none, 5 for nearly all. */
export function shade(share: number | null): number {
  return share === null || share <= 0 ? 0 : Math.min(5, 1 + Math.floor(share * 4.999));
}

/**
 * Where the most are mistaken: the pairs of labels off the diagonal with most cases.
 *
 * @param most how many pairs.
 */
export function mistakes(
  labels: readonly string[],
  counts: readonly (readonly number[])[],
  most = 3,
): readonly { reference: string; decision: string; count: number }[] {
  return counts
    .flatMap((row, r) =>
      row.map((count, c) => ({
        reference: labels[r] ?? "",
        decision: labels[c] ?? "",
        count: r === c ? 0 : count,
      })),
    )
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count)
    .slice(0, most);
}
