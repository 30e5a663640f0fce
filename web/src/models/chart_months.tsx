/** A share by month at one site, with its interval and how many it rests on. */

import { number, percent } from "~/core/text/format";
import type { Agreement } from "./asked";
import { Axes, Chart, Mark, Whisker } from "./chart";
import { whole } from "./figure";
import { monthName, yearAt } from "./months";
import { path, straight } from "./scale";
import { tf } from "./texts_figures";
import { tl } from "./texts_living";

export const MONTHLY = ["agreement", "ppv", "missed"] as const;
export type Monthly = (typeof MONTHLY)[number];

const AREA = { left: 58, right: 588, top: 12, bottom: 192 };
const SHARES = [0, 0.25, 0.5, 0.75, 1];
const y = straight(0, 1, AREA.bottom, AREA.top);

interface Props {
  readonly figure: Monthly;
  readonly site: string;
  /** All months that are asked for, also those without an answer. */
  readonly months: readonly string[];
  readonly told: readonly Agreement[];
}

/** One site's months. */
export function MonthChart({ figure, site, months, told }: Props) {
  const x = straight(-0.5, months.length - 0.5, AREA.left, AREA.right);
  const points = told
    .filter((each) => each[figure].value !== null)
    .map((each) => ({ each, at: x(months.indexOf(each.month)) }));
  const line = points.map(({ each, at }) => [at, y(each[figure].value ?? 0)] as const);
  return (
    <Chart
      title={tl("atSite", { figure: tl(figure), site: site || tl("unnamedSite") })}
      said={tl(`${figure}Said`)}
      width={608}
      height={268}
      table={{
        columns: [
          tl("month"),
          tl(figure),
          tf("interval"),
          tl("reviewed"),
          tl("disputed"),
          tl("findings"),
        ],
        rows: told.map((each) => [
          each.month,
          whole({ ...each[figure], low: null }, "share"),
          percentEnds(each[figure]),
          each.reviewed,
          each.disputed,
          each.findings,
        ]),
      }}
    >
      <Axes
        area={AREA}
        x={x}
        y={y}
        xTicks={months.map((_, at) => at)}
        yTicks={SHARES}
        xTitle=""
        yTitle={tl(figure)}
        format={(value) => percent(value, 0)}
        formatX={(at) => monthName(months[at] ?? "")}
      />
      <path class="models-line models-thin models-one" d={path(line)} />
      {points.map(({ each, at }) => (
        <g key={each.month}>
          {each[figure].low !== null && each[figure].high !== null && (
            <Whisker x={[at, at]} y={[y(each[figure].low), y(each[figure].high)]} />
          )}
          <Mark
            kind="one"
            x={at}
            y={y(each[figure].value ?? 0)}
            isFilled={each.reviewed >= 10}
          />
        </g>
      ))}
      {months.map((month, at) => (
        <text
          key={month}
          class="models-tick"
          x={x(at)}
          y={AREA.bottom + 34}
          text-anchor="middle"
        >
          {yearAt(months, at)}
        </text>
      ))}
      <text class="models-tick" x={AREA.left - 7} y={AREA.bottom + 58} text-anchor="end">
        n
      </text>
      {told.map((each) => (
        <text
          key={each.month}
          class="models-tick"
          x={x(months.indexOf(each.month))}
          y={AREA.bottom + 58}
          text-anchor="middle"
        >
          {number(each.reviewed)}
        </text>
      ))}
    </Chart>
  );
}

function percentEnds(figure: { low: number | null; high: number | null }): string {
  if (figure.low === null || figure.high === null) return "–";
  return tf("fromTo", { low: percent(figure.low), high: percent(figure.high) });
}
