/** What every chart has: a name, a sentence, axes, and the same as a table. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { Scroll } from "./parts";
import type { Scale } from "./scale";
import { tf } from "./texts_figures";

/** A table behind a chart; the first column names the row. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

interface Props {
  readonly title: string;
  /** What it shows, in a sentence or two. */
  readonly said: string;
  readonly table: Table;
  /** Of the drawing, in its own units; about a pixel each. */
  readonly width: number;
  readonly height: number;
  readonly children: ComponentChildren;
  /** Between drawing and table: a legend. */
  readonly legend?: ComponentChildren;
  /** Between words and drawing: what is drawn. */
  readonly tools?: ComponentChildren;
  readonly isWide?: boolean;
}

/** A drawing with its title, its words and its table. */
export function Chart(props: Props) {
  const {
    title,
    said,
    table,
    width,
    height,
    children,
    legend,
    tools,
    isWide = false,
  } = props;
  const [name, words] = [useId(), useId()];
  const drawing = (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-labelledby={name}
      aria-describedby={words}
    >
      <title id={name}>{title}</title>
      {children}
    </svg>
  );
  return (
    <figure class={isWide ? "models-chart models-chart-wide" : "models-chart"}>
      <figcaption>
        <h3>{title}</h3>
        <p id={words} class="faint">
          {said}
        </p>
      </figcaption>
      {tools}
      {isWide ? <Scroll name={title}>{drawing}</Scroll> : drawing}
      {legend}
      <DataTable title={title} table={table} />
    </figure>
  );
}

/** The same as a table, folded. */
export function DataTable({ title, table }: { title: string; table: Table }) {
  return (
    <details class="models-data">
      <summary>{tf("asTable")}</summary>
      <Scroll name={`${tf("asTable")}: ${title}`}>
        <table class="table">
          <thead>
            <tr>
              {table.columns.map((column, at) => (
                <th key={column} scope="col" class={at > 0 ? "number" : undefined}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row) => (
              <tr key={row.join("\n")}>
                {row.map((cell, at) => (
                  <td key={table.columns[at]} class={at > 0 ? "number" : undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}

/** The part of a drawing that holds data, in its units. */
export interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface AxesProps {
  readonly area: Area;
  readonly x: Scale;
  readonly y: Scale;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly format?: (value: number) => string;
  readonly formatX?: (value: number) => string;
}

/** Grid, ticks and titles of both axes. */
export function Axes(props: AxesProps) {
  const { area, x, y, xTicks, yTicks, xTitle, yTitle } = props;
  const format = props.format ?? String;
  const formatX = props.formatX ?? format;
  const middle = (area.top + area.bottom) / 2;
  return (
    <g>
      {yTicks.map((value) => (
        <g key={`y${value}`}>
          <path class="models-grid" d={`M${area.left} ${y(value)}H${area.right}`} />
          <text class="models-tick" x={area.left - 7} y={y(value) + 4} text-anchor="end">
            {format(value)}
          </text>
        </g>
      ))}
      {xTicks.map((value) => (
        <g key={`x${value}`}>
          <path class="models-grid" d={`M${x(value)} ${area.top}V${area.bottom}`} />
          <text
            class="models-tick"
            x={x(value)}
            y={area.bottom + 18}
            text-anchor="middle"
          >
            {formatX(value)}
          </text>
        </g>
      ))}
      <path
        class="models-axis"
        d={`M${area.left} ${area.top}V${area.bottom}H${area.right}`}
      />
      <text
        class="models-title"
        x={(area.left + area.right) / 2}
        y={area.bottom + 38}
        text-anchor="middle"
      >
        {xTitle}
      </text>
      <text
        class="models-title"
        x={14}
        y={middle}
        text-anchor="middle"
        transform={`rotate(-90 14 ${middle})`}
      >
        {yTitle}
      </text>
    </g>
  );
}

/** An interval as a bar with ends, upright or lying. */
export function Whisker({
  x,
  y,
  isLying = false,
  kind = "one",
}: {
  x: readonly [number, number];
  y: readonly [number, number];
  isLying?: boolean;
  kind?: "one" | "two";
}) {
  const d = isLying
    ? `M${x[0]} ${y[0]}H${x[1]}M${x[0]} ${y[0] - 4}v8M${x[1]} ${y[0] - 4}v8`
    : `M${x[0]} ${y[0]}V${y[1]}M${x[0] - 4} ${y[0]}h8M${x[0] - 4} ${y[1]}h8`;
  return <path class={`models-whisker models-${kind}`} d={d} />;
}

/** What a line and a mark stand for. */
export function Key({
  kind,
  text,
  hasMark = kind !== "dotted",
}: {
  kind: "one" | "two" | "dotted";
  text: string;
  hasMark?: boolean;
}) {
  return (
    <span class="models-key">
      <svg viewBox="0 0 34 12" aria-hidden="true">
        <path class={`models-line models-${kind}`} d="M1 6H33" />
        {hasMark && kind !== "dotted" && <Mark kind={kind} x={17} y={6} />}
      </svg>
      {text}
    </span>
  );
}

/** A point: a disc of the first series, a diamond of the second. */
export function Mark({
  kind,
  x,
  y,
  isFilled = true,
  size = 5,
}: {
  kind: "one" | "two";
  x: number;
  y: number;
  isFilled?: boolean;
  size?: number;
}) {
  const look = `models-mark models-${kind}${isFilled ? "" : " models-hollow"}`;
  if (kind === "one") return <circle class={look} cx={x} cy={y} r={size} />;
  const half = size * 1.25;
  const d = `M${x} ${y - half}l${half} ${half}l${-half} ${half}l${-half} ${-half}Z`;
  return <path class={look} d={d} />;
}
