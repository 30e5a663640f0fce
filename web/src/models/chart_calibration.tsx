/** The reliability diagram: what was promised against what happened. */

import { number } from "~/core/text/format";
import { Axes, Chart, Key, Mark, Whisker } from "./chart";
import { whole, written } from "./figure";
import { straight, ticks } from "./scale";
import { tf } from "./texts_figures";
import type { Bin, LabelCurves } from "./told";

/** Bins of one evaluation. */
export interface CalibrationSeries {
  readonly kind: "one" | "two";
  readonly name: string;
  readonly curves: LabelCurves;
}

const AREA = { left: 58, right: 418, top: 12, bottom: 292 };
const BELOW = { left: 58, right: 418, top: 316, bottom: 372 };
/** Bins of fewer cases are drawn hollow: their share says little. */
const FEW = 10;
/** Two evaluations stand a little apart, so that bars do not hide each other. */
const SHIFT = { one: -3, two: 3 } as const;
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
const x = straight(0, 1, AREA.left, AREA.right);
const y = straight(0, 1, AREA.bottom, AREA.top);

/** One or two evaluations of one label; the counts are of the first. */
export function CalibrationChart({
  label,
  series,
}: {
  label: string;
  series: readonly CalibrationSeries[];
}) {
  const first = series[0];
  if (!first) return null;
  return (
    <Chart
      title={tf("calibration", { label })}
      said={tf("calibrationSaid", { ece: whole(first.curves.metrics["ece"]) })}
      width={432}
      height={420}
      table={tableOf(series)}
      legend={
        <p class="models-legend">
          {series.map(({ kind, name }) => (
            <Key key={kind} kind={kind} text={name} />
          ))}
          <Key kind="dotted" text={tf("perfect")} />
          <span class="faint">{tf("hollowFew")}</span>
        </p>
      }
    >
      <Axes
        area={AREA}
        x={x}
        y={y}
        xTicks={TICKS}
        yTicks={TICKS}
        xTitle=""
        yTitle={tf("observed")}
        formatX={() => ""}
      />
      <path class="models-line models-dotted" d={`M${x(0)} ${y(0)}L${x(1)} ${y(1)}`} />
      {[...series].reverse().map((each) => (
        <Bins
          key={each.kind}
          series={each}
          shift={series.length > 1 ? SHIFT[each.kind] : 0}
        />
      ))}
      <Counts bins={first.curves.calibration} />
    </Chart>
  );
}

function Bins({ series, shift }: { series: CalibrationSeries; shift: number }) {
  const bins = series.curves.calibration;
  return (
    <g>
      {bins.map((bin) => {
        const at = x(bin.mean_probability) + shift;
        return (
          <g key={bin.low}>
            {bin.observed_low !== null && bin.observed_high !== null && (
              <Whisker
                kind={series.kind}
                x={[at, at]}
                y={[y(bin.observed_low), y(bin.observed_high)]}
              />
            )}
            <Mark kind={series.kind} x={at} y={y(bin.observed)} isFilled={bin.n >= FEW} />
          </g>
        );
      })}
    </g>
  );
}

function Counts({ bins }: { bins: readonly Bin[] }) {
  const most = Math.max(1, ...bins.map(({ n }) => n));
  const height = straight(0, most, BELOW.bottom, BELOW.top);
  return (
    <g>
      <Axes
        area={BELOW}
        x={x}
        y={height}
        xTicks={TICKS}
        yTicks={ticks(0, most, 2)}
        xTitle={tf("promised")}
        yTitle={tf("cases")}
        format={(value) => number(value)}
        formatX={String}
      />
      {bins.map((bin) => (
        <rect
          key={bin.low}
          class="models-bar"
          x={x(bin.low) + 1}
          width={Math.max(1, x(bin.high) - x(bin.low) - 2)}
          y={height(bin.n)}
          height={BELOW.bottom - height(bin.n)}
        />
      ))}
    </g>
  );
}

function tableOf(series: readonly CalibrationSeries[]) {
  return {
    columns: [tf("bin"), tf("promised"), tf("observed"), tf("interval"), tf("cases")],
    rows: series.flatMap(({ name, curves }) =>
      curves.calibration.map((bin) => [
        `${series.length > 1 ? `${name}, ` : ""}${bin.low.toFixed(2)}–${bin.high.toFixed(2)}`,
        written(bin.mean_probability),
        written(bin.observed),
        tf("fromTo", {
          low: written(bin.observed_low),
          high: written(bin.observed_high),
        }),
        bin.n,
      ]),
    ),
  };
}
