/** Sensitivity and specificity over all thresholds, with the point that decides. */

import { Axes, Chart, Key } from "./chart";
import { written } from "./figure";
import { path, straight } from "./scale";
import { t } from "./texts";
import { tf } from "./texts_figures";
import { tn } from "./texts_names";
import type { Thresholds } from "./told";

const AREA = { left: 58, right: 588, top: 24, bottom: 284 };
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
const x = straight(0, 1, AREA.left, AREA.right);
const y = straight(0, 1, AREA.bottom, AREA.top);

interface Props {
  readonly table: Thresholds;
  /** Threshold of the point that decides, or null. */
  readonly now: number | null;
  readonly tried: number;
  readonly label: string;
}

/** Both shares with their bands; a dotted line where it decides, a solid one to try. */
export function MovingChart({ table, now, tried, label }: Props) {
  const found = table.tp.map((tp, at) => tp / Math.max(1, tp + (table.fn[at] ?? 0)));
  const cleared = table.tn.map((tn, at) => tn / Math.max(1, tn + (table.fp[at] ?? 0)));
  return (
    <Chart
      title={t("overThresholds", { label })}
      said={t("overThresholdsSaid")}
      isWide
      width={608}
      height={334}
      table={{
        columns: [
          tf("threshold"),
          tn("sensitivity"),
          tn("specificity"),
          "TP",
          "FP",
          "TN",
          "FN",
        ],
        rows: table.threshold.map((threshold, at) => [
          written(threshold),
          written(found[at], "share"),
          written(cleared[at], "share"),
          table.tp[at] ?? 0,
          table.fp[at] ?? 0,
          table.tn[at] ?? 0,
          table.fn[at] ?? 0,
        ]),
      }}
      legend={
        <p class="models-legend">
          <Key kind="one" text={tn("sensitivity")} hasMark={false} />
          <Key kind="two" text={tn("specificity")} hasMark={false} />
        </p>
      }
    >
      <Axes
        area={AREA}
        x={x}
        y={y}
        xTicks={TICKS}
        yTicks={TICKS}
        xTitle={tf("threshold")}
        yTitle={t("share")}
      />
      <Band
        kind="one"
        at={table.threshold}
        low={table.sensitivity_low}
        high={table.sensitivity_high}
      />
      <Band
        kind="two"
        at={table.threshold}
        low={table.specificity_low}
        high={table.specificity_high}
      />
      <Steps kind="one" at={table.threshold} values={found} />
      <Steps kind="two" at={table.threshold} values={cleared} />
      {now !== null && (
        <Upright at={now} look="now" text={t("nowShort")} isLeft={tried >= now} />
      )}
      <Upright
        at={tried}
        look="tried"
        text={now === tried ? "" : t("triedShort")}
        isLeft={now !== null && tried < now}
      />
    </Chart>
  );
}

/** Between two thresholds of the table nothing is known: the line goes straight. */
function Steps({
  kind,
  at,
  values,
}: {
  kind: "one" | "two";
  at: readonly number[];
  values: readonly number[];
}) {
  const corners = at.map((each, row) => [x(each), y(values[row] ?? 0)] as const);
  return <path class={`models-line models-${kind}`} d={path(corners)} />;
}

function Band({
  kind,
  at,
  low,
  high,
}: {
  kind: "one" | "two";
  at: readonly number[];
  low: readonly number[];
  high: readonly number[];
}) {
  const above = at.map((each, row) => [x(each), y(high[row] ?? 1)] as const);
  const below = at.map((each, row) => [x(each), y(low[row] ?? 0)] as const);
  return (
    <path
      class={`models-band models-${kind}`}
      d={`${path([...above, ...below.reverse()])}Z`}
    />
  );
}

/** A line at a threshold; its name stands on the side away from the other line. */
function Upright({
  at,
  look,
  text,
  isLeft,
}: {
  at: number;
  look: "now" | "tried";
  text: string;
  isLeft: boolean;
}) {
  const line = `M${x(at)} ${AREA.top - 6}V${AREA.bottom}`;
  return (
    <g>
      <path class={`models-line models-${look}`} d={line} />
      <text
        class="models-tick"
        x={x(at) + (isLeft ? -4 : 4)}
        y={AREA.top - 10}
        text-anchor={isLeft ? "end" : "start"}
      >
        {text}
      </text>
    </g>
  );
}
