/** All labels beside each other; of a bundle with many, the way to the one to look at. */

import type { Signal } from "@preact/signals";
import { number } from "~/core/text/format";
import { styleOf } from "./figure";
import { FigureCell } from "./figure_cell";
import { Scroll } from "./parts";
import { t } from "./texts";
import { tf } from "./texts_figures";
import { nameOf } from "./texts_names";
import type { Part } from "./told";

const SHOWN = ["auroc", "average_precision", "sensitivity", "specificity", "ppv", "ece"];

/** A line for each label with curves; nothing where there is only one. */
export function LabelsTable({
  part,
  label: shown,
  picked,
}: {
  part: Part;
  /** The one whose charts stand below. */
  label: string;
  picked: Signal<string>;
}) {
  if (part.labels.length < 2) return null;
  const names = SHOWN.filter((name) =>
    part.labels.some(({ metrics }) => metrics[name]?.value != null),
  );
  return (
    <section class="models-chart">
      <h3>{tf("byLabel")}</h3>
      <Scroll name={tf("byLabel")}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t("label")}</th>
              <th scope="col" class="number">
                {tf("casesWith")}
              </th>
              {names.map((name) => (
                <th key={name} scope="col" class="number">
                  {nameOf(name)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {part.labels.map(({ label, n_present: present, metrics }) => (
              <tr key={label}>
                <th scope="row">
                  <button
                    type="button"
                    class="chip"
                    aria-pressed={label === shown}
                    onClick={() => {
                      picked.value = label;
                    }}
                  >
                    {label}
                  </button>
                </th>
                <td class="number">{number(present)}</td>
                {names.map((name) => (
                  <td key={name} class="number">
                    <FigureCell figure={metrics[name]} style={styleOf(name)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}
