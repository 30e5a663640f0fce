/** What another threshold would do, and another prevalence: to look at, nothing changes. */

import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { number, percent } from "~/core/text/format";
import { DecisionChart } from "./chart_decision";
import { MovingChart } from "./chart_moving";
import { LabelPicks, labelOf } from "./curves";
import { written } from "./figure";
import { FigureCell } from "./figure_cell";
import { type Moved, movedTo, ownPrevalence, rowAt } from "./moving";
import { Scroll } from "./parts";
import { t } from "./texts";
import { ruleOf, tn } from "./texts_names";
import { type Figure, type LabelCurves, type Part, type Point, pointOf } from "./told";

const COMMON = [0.01, 0.05, 0.1, 0.2, 0.5];

/** The slider with what it does, for the label that is picked. */
export function MovingPanel({ part, picked }: { part: Part; picked: Signal<string> }) {
  const label = labelOf(part, picked.value);
  const curves = part.labels.find((each) => each.label === label);
  if (!curves || curves.thresholds.threshold.length === 0) return null;
  const point = pointOf(part, label);
  return (
    <>
      <LabelPicks part={part} picked={picked} />
      {!point && <p>{t("movingNone", { label })}</p>}
      <Moving key={label} curves={curves} point={point} part={part} />
    </>
  );
}

function Moving({
  curves,
  point,
  part,
}: {
  curves: LabelCurves;
  point: Point | undefined;
  part: Part;
}) {
  const { thresholds: table, label } = curves;
  const start = rowAt(table, point?.threshold ?? 0.5);
  const row = useMemo(() => signal(start), []);
  const own = ownPrevalence(curves.n_present, curves.n_absent);
  const prevalence = useMemo(() => signal(own), []);
  const tried = movedTo(table, row.value, prevalence.value);
  const now = point ? movedTo(table, start, prevalence.value) : null;
  return (
    <div class="models-moving">
      <MovingChart
        table={table}
        now={now?.threshold ?? null}
        tried={tried.threshold}
        label={label}
      />
      <div class="models-moving-side">
        <ThresholdField label={label} table={table} row={row} tried={tried} />
        <div class="models-tools">
          {point && (
            <button
              type="button"
              class="button button-small"
              disabled={row.value === start}
              onClick={() => {
                row.value = start;
              }}
            >
              {t("backToPoint")}
            </button>
          )}
          {part.operating_points
            .filter((each) => each.label === label && !each.chosen)
            .map((each) => (
              <button
                key={each.rule}
                type="button"
                class="chip"
                onClick={() => {
                  row.value = rowAt(table, each.threshold);
                }}
              >
                {ruleOf(each.rule)}
              </button>
            ))}
        </div>
        <PrevalenceField label={label} own={own} prevalence={prevalence} />
        <MovedTable now={now} tried={tried} label={label} curves={curves} />
      </div>
      <DecisionChart curves={curves} />
    </div>
  );
}

function ThresholdField({
  label,
  table,
  row,
  tried,
}: {
  label: string;
  table: LabelCurves["thresholds"];
  row: Signal<number>;
  tried: Moved;
}) {
  const said = t("movingSaid", {
    threshold: written(tried.threshold),
    sensitivity: written(tried.sensitivity.value, "share"),
    specificity: written(tried.specificity.value, "share"),
    alarms: number(tried.alarms, 1),
  });
  return (
    <label class="field">
      <span>
        {t("tryThreshold")}:{" "}
        <strong class="models-now">{written(tried.threshold)}</strong>
      </span>
      <input
        type="range"
        class="models-slider"
        min={0}
        max={table.threshold.length - 1}
        step={1}
        value={row.value}
        aria-label={`${t("tryThreshold")}: ${label}`}
        aria-valuetext={said}
        onInput={(event) => {
          row.value = Number(event.currentTarget.value);
        }}
      />
    </label>
  );
}

function PrevalenceField({
  label,
  own,
  prevalence,
}: {
  label: string;
  own: number;
  prevalence: Signal<number>;
}) {
  const set = (share: number) => {
    if (share > 0 && share < 1) prevalence.value = share;
  };
  const shown = Number((100 * prevalence.value).toPrecision(3));
  return (
    <div class="field">
      <label class="field">
        <span>{t("prevalence")}</span>
        <input
          type="number"
          class="models-short"
          min={0.1}
          max={99}
          step="any"
          value={shown}
          onInput={(event) => set(Number(event.currentTarget.value) / 100)}
          onChange={(event) => {
            // What cannot be a prevalence was not taken: the field says what holds.
            event.currentTarget.value = String(shown);
          }}
        />
      </label>
      <div class="models-tools">
        <button
          type="button"
          class="chip"
          aria-pressed={prevalence.value === own}
          onClick={() => set(own)}
        >
          {t("asTested", { share: percent(own) })}
        </button>
        {COMMON.map((share) => (
          <button
            key={share}
            type="button"
            class="chip"
            aria-pressed={prevalence.value === share}
            onClick={() => set(share)}
          >
            {percent(share, 0)}
          </button>
        ))}
      </div>
      <p class="faint">{t("prevalenceHint", { label })}</p>
    </div>
  );
}

function MovedTable({
  now,
  tried,
  label,
  curves,
}: {
  now: Moved | null;
  tried: Moved;
  label: string;
  curves: LabelCurves;
}) {
  const shares = ["sensitivity", "specificity", "ppv", "npv"] as const;
  const counts = ["alarms", "falseAlarms", "missed"] as const;
  return (
    <div class="models-moving-table">
      <Scroll name={t("moving")}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{t("per100")}</th>
              {now && (
                <th scope="col" class="number">
                  {t("atPoint", { threshold: written(now.threshold) })}
                </th>
              )}
              <th scope="col" class="number">
                {t("atTried", { threshold: written(tried.threshold) })}
              </th>
              {now && (
                <th scope="col" class="number">
                  {t("change")}
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {counts.map((name) => (
              <tr key={name}>
                <th scope="row">{t(name)}</th>
                {now && <td class="number">{number(now[name], 1)}</td>}
                <td class="number">
                  <strong>{number(tried[name], 1)}</strong>
                </td>
                {now && <td class="number">{signed(tried[name] - now[name])}</td>}
              </tr>
            ))}
            {shares.map((name) => (
              <tr key={name}>
                <th scope="row">{tn(name)}</th>
                {now && (
                  <td class="number">
                    <FigureCell figure={now[name]} style="share" />
                  </td>
                )}
                <td class="number">
                  <FigureCell figure={tried[name]} style="share" />
                </td>
                {now && <td class="number">{shift(now[name], tried[name])}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <p class="faint">
        {t("inTestSet", {
          label,
          tp: tried.tp,
          tn: tried.tn,
          present: curves.n_present,
          absent: curves.n_absent,
        })}
      </p>
    </div>
  );
}

/** A difference with its sign; 0 has none. */
function signed(value: number, digits = 1): string {
  const rounded = Number(value.toFixed(digits));
  if (rounded === 0) return number(0, digits);
  return `${rounded > 0 ? "+" : "−"}${number(Math.abs(rounded), digits)}`;
}

/** Change of a share in percentage points; no interval: both are of the same cases. */
function shift(before: Figure, after: Figure): string {
  if (before.value === null || after.value === null) return "–";
  return t("points", { change: signed(100 * (after.value - before.value)) });
}
