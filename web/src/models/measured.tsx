/** Figures and charts of an evaluation, part by part, with the threshold to try. */

import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { Curves } from "./curves";
import { FiguresTable } from "./figures_table";
import { MovingPanel } from "./moving_panel";
import { Panel, Picks } from "./parts";
import { t } from "./texts";
import type { Figures, Part } from "./told";

interface Props {
  readonly title: string;
  readonly note: string;
  /** What the curves are called. */
  readonly name: string;
  readonly parts: readonly Part[];
  /** Of the evaluation that the bundle came with, where this is another one. */
  readonly shipped?: readonly Part[];
  /** Figures that the bundle came with, where it brought no curves. */
  readonly shippedFigures?: Figures | undefined;
}

/** The panels "how good" and "operating point". */
export function Measured(props: Props) {
  const { title, note, name, parts, shipped = [], shippedFigures } = props;
  const wanted = useMemo(() => signal(""), []);
  const picked = useMemo(() => signal(""), []);
  const part = parts.find(({ of }) => of === wanted.value) ?? parts[0];
  if (!part) return null;
  const other = shipped.find(({ of }) => of === part.of);
  // Those figures are of the first part: of slices, where series are judged, too.
  const figures = other?.metrics ?? (part === parts[0] ? shippedFigures : undefined);
  return (
    <>
      <Panel
        id="figures"
        title={title}
        note={note}
        tools={<PartPicks parts={parts} part={part} wanted={wanted} />}
      >
        <FiguresTable name={title} metrics={part.metrics} shipped={figures} />
        <Curves part={part} shipped={other} picked={picked} name={name} />
      </Panel>
      {part.labels.length > 0 && (
        <Panel id="moving" title={t("moving")} note={t("movingHint")}>
          <MovingPanel key={part.of} part={part} picked={picked} />
        </Panel>
      )}
    </>
  );
}

function PartPicks({
  parts,
  part,
  wanted,
}: {
  parts: readonly Part[];
  part: Part;
  wanted: Signal<string>;
}) {
  return (
    <Picks
      name={t("measuredOn")}
      of={parts.map(({ of }) => of)}
      text={String}
      picked={part.of}
      onPick={(each) => {
        wanted.value = each;
      }}
    />
  );
}
