/** The ROC curve with its operating points, alone or beside the shipped one. */

import { Axes, Chart, Key, Mark, Whisker } from "./chart";
import { whole, written } from "./figure";
import { path, straight } from "./scale";
import { tf } from "./texts_figures";
import { ruleOf, tn } from "./texts_names";
import type { LabelCurves, Part, Point } from "./told";

/** One curve: of the evaluation that is looked at, or of the one it is held against. */
export interface RocSeries {
  readonly kind: "one" | "two";
  readonly name: string;
  readonly curves: LabelCurves;
  readonly points: readonly Point[];
}

const AREA = { left: 58, right: 418, top: 12, bottom: 372 };
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
const x = straight(0, 1, AREA.left, AREA.right);
const y = straight(0, 1, AREA.bottom, AREA.top);

/** The series of a part for a label; null where it has no curve. */
export function rocOf(
  part: Part | undefined,
  label: string,
  kind: "one" | "two",
  name: string,
): RocSeries | null {
  const curves = part?.labels.find((each) => each.label === label);
  if (!part || !curves) return null;
  const points = part.operating_points.filter((each) => each.label === label);
  return { kind, name, curves, points };
}

/** One or two curves of one label. */
export function RocChart({
  label,
  series,
}: {
  label: string;
  series: readonly RocSeries[];
}) {
  const first = series[0];
  if (!first) return null;
  const said = tf("rocSaid", { auroc: whole(first.curves.metrics["auroc"]), label });
  const hasPoints = series.some(({ points }) => points.length > 0);
  return (
    <Chart
      title={tf("rocOf", { label })}
      said={hasPoints ? `${said} ${tf("crosses")}` : said}
      width={432}
      height={420}
      table={tableOf(series)}
      legend={
        <p class="models-legend">
          {series.map(({ kind, name, curves }) => {
            const text = `${name}: ${whole(curves.metrics["auroc"])}`;
            return <Key key={kind} kind={kind} text={series.length > 1 ? text : name} />;
          })}
          <Key kind="dotted" text={tf("chance")} />
        </p>
      }
    >
      <Axes
        area={AREA}
        x={x}
        y={y}
        xTicks={TICKS}
        yTicks={TICKS}
        xTitle={tf("falsePositives")}
        yTitle={tf("truePositives")}
      />
      <path class="models-line models-dotted" d={`M${x(0)} ${y(0)}L${x(1)} ${y(1)}`} />
      {[...series].reverse().map((each) => (
        <Curve key={each.kind} series={each} />
      ))}
      {[...series]
        .reverse()
        .map(({ kind, points }) =>
          points.map((point) => (
            <Crossing key={`${kind} ${point.rule}`} kind={kind} point={point} />
          )),
        )}
    </Chart>
  );
}

function Curve({ series }: { series: RocSeries }) {
  const { fpr, tpr } = series.curves.roc;
  const corners = fpr.map((share, at) => [x(share), y(tpr[at] ?? 0)] as const);
  return <path class={`models-line models-${series.kind}`} d={path(corners)} />;
}

function Crossing({ kind, point }: { kind: "one" | "two"; point: Point }) {
  const [found, cleared] = [point.metrics["sensitivity"], point.metrics["specificity"]];
  if (found?.value == null || cleared?.value == null) return null;
  const [px, py] = [x(1 - cleared.value), y(found.value)];
  return (
    <g>
      {point.chosen && found.low != null && found.high != null && (
        <Whisker kind={kind} x={[px, px]} y={[y(found.low), y(found.high)]} />
      )}
      {point.chosen && cleared.low != null && cleared.high != null && (
        <Whisker
          kind={kind}
          isLying
          x={[x(1 - cleared.high), x(1 - cleared.low)]}
          y={[py, py]}
        />
      )}
      <Mark kind={kind} x={px} y={py} isFilled={point.chosen} size={6} />
    </g>
  );
}

function tableOf(series: readonly RocSeries[]) {
  return {
    columns: [
      tf("curve"),
      tf("rule"),
      tf("threshold"),
      tn("sensitivity"),
      tn("specificity"),
    ],
    rows: series.flatMap(({ name, points, curves }) => [
      ...points.map((point) => [
        name,
        `${ruleOf(point.rule)}${point.chosen ? ` (${tf("chosen")})` : ""}`,
        written(point.threshold),
        whole(point.metrics["sensitivity"], "share"),
        whole(point.metrics["specificity"], "share"),
      ]),
      ...curves.roc.fpr.map((share, at) => [
        name,
        "",
        written(curves.roc.threshold[at]),
        written(curves.roc.tpr[at], "share"),
        written(1 - share, "share"),
      ]),
    ]),
  };
}
