/** The decision curve: what deciding by the model gains, beside calling all or nobody. */

import { number, percent } from "~/core/text/format";
import { Axes, Chart, Key } from "./chart";
import { type Benefit, benefitsOf, stretchesOf, usefulBetween } from "./decision";
import { path, straight, ticks } from "./scale";
import { t } from "./texts";
import { tf } from "./texts_figures";
import type { LabelCurves } from "./told";

const AREA = { left: 58, right: 588, top: 12, bottom: 252 };
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
const x = straight(0, 1, AREA.left, AREA.right);
/** Thresholds near these stand in the table, each with its own figure. */
const LISTED = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

/** Of the cases that were evaluated, as ill as they are there. */
export function DecisionChart({ curves }: { curves: LabelCurves }) {
  const benefits = benefitsOf(curves.thresholds);
  const share = curves.n_present / Math.max(1, curves.n_present + curves.n_absent);
  const [lowest, highest] = [-20 * share, Math.max(1e-3, 100 * share)];
  const y = straight(lowest, highest, AREA.bottom, AREA.top);
  // Below the drawing a line would run along its edge, where it is not.
  const line = (of: (each: Benefit) => number) =>
    stretchesOf(benefits, (each) => of(each) >= lowest)
      .map((some) => path(some.map((each) => [x(each.threshold), y(of(each))] as const)))
      .join("");
  return (
    <Chart
      title={t("decision", { label: curves.label })}
      said={saidOf(benefits)}
      isWide
      width={608}
      height={302}
      table={tableOf(benefits)}
      legend={
        <p class="models-legend">
          <Key kind="one" text={t("byModel")} hasMark={false} />
          <Key kind="two" text={t("callAll")} hasMark={false} />
          <Key kind="dotted" text={t("callNone")} />
        </p>
      }
    >
      <Axes
        area={AREA}
        x={x}
        y={y}
        xTicks={TICKS}
        yTicks={ticks(lowest, highest)}
        xTitle={t("actsFrom")}
        yTitle={t("netBenefit")}
        format={(value) => number(value)}
        formatX={(value) => percent(value, 0)}
      />
      <path class="models-line models-dotted" d={`M${x(0)} ${y(0)}H${x(1)}`} />
      <path class="models-band models-one" d={bandOf(benefits, lowest, y)} />
      <path class="models-line models-two" d={line(({ everybody }) => everybody)} />
      <path class="models-line models-one" d={line(({ model }) => model.value ?? 0)} />
    </Chart>
  );
}

/** As far as the drawing reaches; what is below it is held at its edge. */
function bandOf(
  benefits: readonly Benefit[],
  lowest: number,
  y: (value: number) => number,
): string {
  return stretchesOf(benefits, ({ model }) => (model.high ?? 0) >= lowest)
    .map((some) => {
      const edge = (end: "low" | "high") =>
        some.map(({ threshold, model }) => [x(threshold), y(model[end] ?? 0)] as const);
      return `${path([...edge("high"), ...edge("low").reverse()])}Z`;
    })
    .join("");
}

function saidOf(benefits: readonly Benefit[]): string {
  const useful = usefulBetween(benefits);
  const where = useful
    ? t("usefulBetween", { low: percent(useful[0], 0), high: percent(useful[1], 0) })
    : t("usefulNowhere");
  return `${t("decisionSaid")} ${where}`;
}

function tableOf(benefits: readonly Benefit[]) {
  return {
    columns: [t("actsFrom"), t("byModel"), tf("interval"), t("callAll")],
    rows: [...new Set(LISTED.flatMap((each) => nearest(benefits, each) ?? []))].map(
      ({ threshold, model, everybody }) => [
        percent(threshold),
        number(model.value ?? 0, 1),
        tf("fromTo", {
          low: number(model.low ?? 0, 1),
          high: number(model.high ?? 0, 1),
        }),
        number(everybody, 1),
      ],
    ),
  };
}

function nearest(benefits: readonly Benefit[], wanted: number): Benefit | undefined {
  const away = ({ threshold }: Benefit) => Math.abs(threshold - wanted);
  return benefits.reduce<Benefit | undefined>(
    (best, each) => (best && away(best) <= away(each) ? best : each),
    undefined,
  );
}
