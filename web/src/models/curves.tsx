/** The charts of an evaluation: by label, alone or held against the shipped ones. */

import type { Signal } from "@preact/signals";
import { CalibrationChart } from "./chart_calibration";
import { ConfusionTable } from "./chart_confusion";
import { RocChart, rocOf } from "./chart_roc";
import { SpreadChart } from "./chart_spread";
import { SubgroupChart } from "./chart_subgroups";
import { FiguresTable } from "./figures_table";
import { LabelsTable } from "./labels_table";
import { Picks } from "./parts";
import { t } from "./texts";
import { tf } from "./texts_figures";
import type { Part } from "./told";

interface Props {
  readonly part: Part;
  /** The part of the shipped evaluation that counts the same, if there is one. */
  readonly shipped?: Part | undefined;
  /** The label that is looked at; shared with the operating point. */
  readonly picked: Signal<string>;
  readonly name: string;
}

/** ROC, calibration, confusion, subgroups; of masks their spread. */
export function Curves(props: Props) {
  const { part, picked } = props;
  const label = labelOf(part, picked.value);
  return (
    <>
      {part.labels.length > 0 && (
        <>
          <LabelsTable part={part} label={label} picked={picked} />
          <div class="models-grid-2">
            <LabelCharts {...props} label={label} />
          </div>
        </>
      )}
      {part.left_out.length > 0 && (
        <p class="faint">{t("leftOut", { list: part.left_out.join(", ") })}</p>
      )}
      {part.confusion && <ConfusionTable {...part.confusion} />}
      {part.masks.length > 0 && <MaskCharts {...props} />}
      <SubgroupChart part={part} />
    </>
  );
}

/** The label that is picked, where the part has it; else its first one. */
export function labelOf(part: Part, picked: string): string {
  const labels = part.labels.map(({ label }) => label);
  return labels.includes(picked) ? picked : (labels[0] ?? "");
}

/** Chips of all labels with curves. */
export function LabelPicks({ part, picked }: { part: Part; picked: Signal<string> }) {
  return (
    <Picks
      name={t("label")}
      of={part.labels.map(({ label }) => label)}
      text={String}
      picked={labelOf(part, picked.value)}
      onPick={(label) => {
        picked.value = label;
      }}
    />
  );
}

function LabelCharts({ part, shipped, label, name }: Props & { label: string }) {
  const own = rocOf(part, label, "one", name);
  if (!own) return null;
  const other = rocOf(shipped, label, "two", tf("shipped"));
  const series = other ? [own, other] : [own];
  return (
    <>
      <RocChart label={label} series={series} />
      <CalibrationChart label={label} series={series} />
    </>
  );
}

function MaskCharts({ part, shipped }: Props) {
  return (
    <>
      <div class="models-grid-2">
        {part.dice && part.masks.length > 1 && (
          <SpreadChart label={tf("eachCase")} spread={part.dice} />
        )}
        {part.masks.map(({ label, dice }) => (
          <SpreadChart key={label} label={label} spread={dice} />
        ))}
      </div>
      {part.masks.map(({ label, metrics }) => (
        <section key={label}>
          <h3>{label}</h3>
          <FiguresTable
            name={label}
            metrics={metrics}
            shipped={shipped?.masks.find((each) => each.label === label)?.metrics}
          />
        </section>
      ))}
    </>
  );
}
