/** Figures with their 95 % intervals, alone or beside the shipped ones. */

import { areApart, interval, styleOf, written } from "./figure";
import { FigureCell } from "./figure_cell";
import { Scroll } from "./parts";
import { tf } from "./texts_figures";
import { meaningOf, nameOf } from "./texts_names";
import type { Figures } from "./told";

/** One row for each figure; with `shipped`, both and whether they are apart. */
export function FiguresTable({
  metrics,
  shipped,
  name,
}: {
  metrics: Figures;
  shipped?: Figures | undefined;
  name: string;
}) {
  return (
    <Scroll name={name}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{tf("figure")}</th>
            {shipped ? (
              <>
                <th scope="col">{tf("external")}</th>
                <th scope="col">{tf("shipped")}</th>
              </>
            ) : (
              <>
                <th scope="col" class="number">
                  {tf("value")}
                </th>
                <th scope="col">{tf("interval")}</th>
              </>
            )}
            <th scope="col">{tf("meaning")}</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(metrics).map(([each, figure]) => (
            <tr key={each}>
              <th scope="row" class="models-row-name">
                {nameOf(each)}
              </th>
              {shipped ? (
                <Both each={each} metrics={metrics} shipped={shipped} />
              ) : (
                <>
                  <td class="number">
                    {figure.value === null ? (
                      figure.reason || "–"
                    ) : (
                      <strong class="models-whole">
                        {written(figure.value, styleOf(each))}
                      </strong>
                    )}
                  </td>
                  <td class="figures models-whole">{interval(figure, styleOf(each))}</td>
                </>
              )}
              <td class="faint models-meaning">{meaningOf(each)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Both({
  each,
  metrics,
  shipped,
}: {
  each: string;
  metrics: Figures;
  shipped: Figures;
}) {
  const isApart = areApart(metrics[each], shipped[each]);
  return (
    <>
      <td class="figures">
        <FigureCell figure={metrics[each]} style={styleOf(each)} />
        {isApart && <span class="chip chip-warn models-apart">{tf("apart")}</span>}
      </td>
      <td class="figures">
        <FigureCell figure={shipped[each]} style={styleOf(each)} />
      </td>
    </>
  );
}
