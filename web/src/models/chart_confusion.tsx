/** The confusion matrix: a table of counts and shares of rows, shaded by share. */

import { useId } from "preact/hooks";
import { number, percent } from "~/core/text/format";
import { cellsOf, mistakes, shade } from "./confusion";
import { Scroll } from "./parts";
import { tf } from "./texts_figures";

/** Rows reference, columns decision. */
export function ConfusionTable({
  labels,
  counts,
}: {
  labels: readonly string[];
  counts: readonly (readonly number[])[];
}) {
  const title = useId();
  const found = mistakes(labels, counts);
  const list = found.map((each) => tf("mistake", each)).join("; ");
  return (
    <section class="models-chart">
      <h3 id={title}>{tf("confusion")}</h3>
      <p class="faint">{tf("confusionSaid")}</p>
      <Scroll name={tf("confusion")}>
        <table class="table models-confusion" aria-labelledby={title}>
          <thead>
            <tr>
              <td />
              <th scope="colgroup" colSpan={labels.length}>
                {tf("decision")}
              </th>
              <td />
            </tr>
            <tr>
              <th scope="col">{tf("reference")}</th>
              {labels.map((label) => (
                <th key={label} scope="col" class="number">
                  {label}
                </th>
              ))}
              <th scope="col" class="number">
                {tf("all")}
              </th>
            </tr>
          </thead>
          <tbody>
            {cellsOf(counts).map((row, r) => (
              <tr key={labels[r]}>
                <th scope="row">{labels[r]}</th>
                {row.map(({ count, share }, c) => (
                  <td
                    key={labels[c]}
                    class={`number models-shade-${shade(share)}${r === c ? " models-right" : ""}`}
                  >
                    <strong>{number(count)}</strong>
                    <span>{share === null ? "–" : percent(share)}</span>
                  </td>
                ))}
                <td class="number">
                  {number(row.reduce((sum, { count }) => sum + count, 0))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {labels.length > 2 && list && <p class="faint">{tf("mistaken", { list })}</p>}
    </section>
  );
}
