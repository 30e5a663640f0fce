/** How the Dice of masks is spread over the cases: a bad tail hides behind a mean. */

import { number } from "~/core/text/format";
import { Axes, Chart } from "./chart";
import { written } from "./figure";
import { straight, ticks } from "./scale";
import { tf } from "./texts_figures";
import { tn } from "./texts_names";
import type { Spread } from "./told";

const AREA = { left: 58, right: 418, top: 12, bottom: 172 };
const x = straight(0, 1, AREA.left, AREA.right);

/** A histogram of cases by Dice. */
export function SpreadChart({ label, spread }: { label: string; spread: Spread }) {
  const { counts, quartiles } = spread;
  const most = Math.max(1, ...counts);
  const y = straight(0, most, AREA.bottom, AREA.top);
  const width = 1 / Math.max(1, counts.length);
  const [low, middle, high] = quartiles;
  const none = spread.undefined > 0 ? tf("spreadNone", { count: spread.undefined }) : "";
  const said = tf("spreadSaid", {
    low: written(low),
    middle: written(middle),
    high: written(high),
    none,
  });
  return (
    <Chart
      title={tf("spread", { label })}
      said={quartiles.length > 0 ? said : `${tf("noCases")} ${none}`}
      width={432}
      height={220}
      table={{
        columns: [tn("dice"), tf("cases")],
        rows: counts.map((count, at) => [
          `${(at * width).toFixed(2)}–${((at + 1) * width).toFixed(2)}`,
          count,
        ]),
      }}
    >
      <Axes
        area={AREA}
        x={x}
        y={y}
        xTicks={[0, 0.2, 0.4, 0.6, 0.8, 1]}
        yTicks={ticks(0, most, 4).filter(Number.isInteger)}
        xTitle={tn("dice")}
        yTitle={tf("cases")}
        format={(value) => number(value)}
        formatX={String}
      />
      {counts.map((count, at) => (
        <rect
          key={at}
          class="models-bar"
          x={x(at * width) + 1}
          width={x(width) - x(0) - 2}
          y={y(count)}
          height={AREA.bottom - y(count)}
        />
      ))}
      {middle != null && (
        <path
          class="models-line models-one"
          d={`M${x(middle)} ${AREA.top}V${AREA.bottom}`}
        />
      )}
    </Chart>
  );
}
