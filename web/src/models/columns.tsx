/** Which table and which of its columns hold labels and patients. */

import type { Signal } from "@preact/signals";
import { likelyLabel, likelyPatient } from "./csv";
import { type LabelTable, likelyTable } from "./tables";
import { te } from "./texts_evaluate";

/** What is told to the service; "" and none let it find them by itself. */
export interface Columns {
  /** Path of the table in the set. */
  readonly table: string;
  readonly labels: readonly string[];
  readonly patient: string;
}

/** The likely columns of some tables. */
export function columnsFor(
  tables: readonly LabelTable[],
  wanted: LabelTable | null = likelyTable(tables),
): Columns {
  const label = wanted ? likelyLabel(wanted.head) : "";
  return {
    table: wanted?.path ?? "",
    labels: label ? [label] : [],
    patient: wanted ? likelyPatient(wanted.head) : "",
  };
}

const MOST_SHOWN = 60;

/** Fields to choose them; nothing where the set has no table. */
export function ColumnFields({
  tables,
  columns,
}: {
  tables: readonly LabelTable[];
  columns: Signal<Columns>;
}) {
  if (tables.length === 0) return null;
  const table = tables.find(({ path }) => path === columns.value.table) ?? null;
  return (
    <>
      <label class="field">
        <span>{te("table")}</span>
        <select
          value={columns.value.table}
          onChange={(event) => {
            const path = event.currentTarget.value;
            const found = tables.find((each) => each.path === path) ?? null;
            columns.value = columnsFor(tables, found);
          }}
        >
          <option value="">{te("noTable")}</option>
          {tables.map(({ path }) => (
            <option key={path} value={path}>
              {path}
            </option>
          ))}
        </select>
      </label>
      {table && <LabelField table={table} columns={columns} />}
      {table && <PatientField table={table} columns={columns} />}
    </>
  );
}

function LabelField({ table, columns }: { table: LabelTable; columns: Signal<Columns> }) {
  const { labels } = columns.value;
  const toggle = (column: string) => {
    const rest = labels.filter((each) => each !== column);
    const isNew = rest.length === labels.length;
    columns.value = { ...columns.value, labels: isNew ? [...rest, column] : rest };
  };
  return (
    <fieldset class="models-columns">
      <legend>{te("labelColumns")}</legend>
      <p class="faint">{te("labelColumnsHint")}</p>
      {table.head.columns.slice(0, MOST_SHOWN).map((column, at) => (
        <label key={column} class="models-check">
          <input
            type="checkbox"
            checked={labels.includes(column)}
            onChange={() => toggle(column)}
          />
          <span>
            {column} <span class="faint">{samplesOf(table, at)}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function PatientField({
  table,
  columns,
}: {
  table: LabelTable;
  columns: Signal<Columns>;
}) {
  return (
    <label class="field">
      <span>{te("patientColumn")}</span>
      <select
        value={columns.value.patient}
        onChange={(event) => {
          columns.value = { ...columns.value, patient: event.currentTarget.value };
        }}
      >
        <option value="">{te("foundByItself")}</option>
        {table.head.columns.map((column) => (
          <option key={column} value={column}>
            {column}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Some values of a column: "normal, pneumonia", "a.png, b.png, c.png, …". */
function samplesOf(table: LabelTable, at: number): string {
  const values = table.head.samples[at] ?? [];
  const some = values
    .slice(0, 4)
    .map((each) => (each.length > 24 ? `${each.slice(0, 23)}…` : each));
  return values.length > 4 ? `${some.join(", ")}, …` : some.join(", ");
}
