/** Subgroups as a forest plot: a line for each group, and the line of all cases. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { number } from "~/core/text/format";
import { Chart, Mark, Whisker } from "./chart";
import { interval, styleOf, whole, written } from "./figure";
import { Picks } from "./parts";
import { shareEnds, straight, ticks } from "./scale";
import { tf } from "./texts_figures";
import { nameOf } from "./texts_names";
import type { Figure, Part, Subgroup } from "./told";

const ROW = 26;
const [LEFT, RIGHT, TOP] = [250, 610, 30];
const WIDTH = 800;
const FEW = 10;

/** All groups of a part; one figure at a time. */
export function SubgroupChart({ part }: { part: Part }) {
  const wanted = useMemo(() => signal(""), []);
  const known = figuresOf(part);
  if (part.subgroups.length === 0 || known.length === 0) {
    return (
      <section class="models-chart">
        <h3>{tf("subgroups")}</h3>
        <p class="faint">{tf("noSubgroups")}</p>
      </section>
    );
  }
  const name = known.includes(wanted.value) ? wanted.value : (known[0] ?? "");
  const picks = (
    <Picks
      name={tf("figure")}
      of={known}
      text={nameOf}
      picked={name}
      onPick={(each) => {
        wanted.value = each;
      }}
    />
  );
  return <Forest part={part} name={name} tools={picks} />;
}

function figuresOf(part: Part): readonly string[] {
  const names = [
    "auroc",
    "sensitivity",
    "specificity",
    "accuracy",
    "balanced_accuracy",
    "dice",
  ];
  return names.filter((name) =>
    part.subgroups.some(({ metrics }) => metrics[name]?.value != null),
  );
}

function Forest({
  part,
  name,
  tools,
}: {
  part: Part;
  name: string;
  tools: ComponentChildren;
}) {
  const all = part.metrics[name];
  const lines = [
    { title: tf("everybody"), n: part.n_cases, figure: all, isAll: true },
    ...part.subgroups.map((group) => ({
      title: titleOf(group),
      n: group.n_cases,
      figure: group.metrics[name],
      isAll: false,
    })),
  ];
  const ends = shareEnds(
    lines.flatMap(({ figure }) => [figure?.value, figure?.low, figure?.high]),
  );
  const x = straight(...ends, LEFT, RIGHT);
  const bottom = TOP + lines.length * ROW;
  return (
    <Chart
      title={`${tf("subgroups")}: ${nameOf(name)}`}
      said={`${tf("subgroupsSaid")} ${tf("smallLeftOut")}`}
      isWide
      tools={tools}
      width={WIDTH}
      height={bottom + 26}
      table={{
        columns: [tf("group"), tf("cases"), nameOf(name), tf("interval")],
        rows: lines.map(({ title, n, figure }) => [
          n < FEW ? `${title} (${tf("fewCases")})` : title,
          n,
          figure?.value == null
            ? figure?.reason || "–"
            : written(figure.value, styleOf(name)),
          interval(figure, styleOf(name)),
        ]),
      }}
    >
      {ticks(...ends).map((value) => (
        <g key={value}>
          <path class="models-grid" d={`M${x(value)} ${TOP - 8}V${bottom}`} />
          <text class="models-tick" x={x(value)} y={bottom + 16} text-anchor="middle">
            {value}
          </text>
        </g>
      ))}
      {all?.value != null && (
        <path
          class="models-line models-dotted"
          d={`M${x(all.value)} ${TOP - 8}V${bottom}`}
        />
      )}
      <text class="models-title" x={LEFT - 14} y={TOP - 14} text-anchor="end">
        n
      </text>
      {lines.map((line, at) => (
        <Line key={line.title} {...line} x={x} y={TOP + (at + 0.5) * ROW} name={name} />
      ))}
    </Chart>
  );
}

function Line({
  title,
  n,
  figure,
  isAll,
  x,
  y,
  name,
}: {
  title: string;
  n: number;
  figure: Figure | undefined;
  isAll: boolean;
  x: (value: number) => number;
  y: number;
  name: string;
}) {
  const look = isAll ? "models-label models-strong" : "models-label";
  return (
    <g>
      <text class={look} x={LEFT - 60} y={y + 4} text-anchor="end">
        {shortened(title)}
      </text>
      <text class="models-tick" x={LEFT - 14} y={y + 4} text-anchor="end">
        {number(n)}
      </text>
      {figure?.low != null && figure.high != null && (
        <Whisker isLying x={[x(figure.low), x(figure.high)]} y={[y, y]} />
      )}
      {figure?.value != null && (
        <Mark kind="one" x={x(figure.value)} y={y} isFilled={n >= FEW} />
      )}
      <text class={look} x={RIGHT + 14} y={y + 4}>
        {figure?.value == null ? "–" : whole(figure, styleOf(name))}
      </text>
    </g>
  );
}

function titleOf({ column, value }: Subgroup): string {
  return `${column}: ${value}`;
}

/** Long names are whole in the table. */
function shortened(title: string): string {
  return title.length > 28 ? `${title.slice(0, 27)}…` : title;
}
