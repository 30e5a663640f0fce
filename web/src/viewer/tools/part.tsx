/** The measuring tools as parts of the viewer: over each pane, and in the bar. */

import { effect, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { register } from "~/core/keys/commands";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { ToolMark } from "./icons";
import { createKit, type Kit, placedOn, selectedOn } from "./kit";
import { MeasureList } from "./list";
import { heldCommands, isHeld, measureCommands, toolCommands } from "./measure_commands";
import { MeasureOverlay } from "./overlay";
import { paneGround } from "./pane_ground";
import { reportLine, textOf } from "./reading_text";
import { isKind } from "./shape";
import { keepOnService } from "./shape_service";
import { t } from "./texts";
import { Toolbar } from "./toolbar";
import { viewCommands } from "./view_commands";
import "./tools.css";

const kits = new WeakMap<Desk, Kit>();

/** The tools of a desk. */
export function kitOf(desk: Desk): Kit {
  const kit = kits.get(desk) ?? createKit(desk);
  kits.set(desk, kit);
  return kit;
}

/** Measurements over a pane. */
export function MeasurePart({ desk, pane }: { desk: Desk; pane: Pane }) {
  const kit = kitOf(desk);
  return (
    <>
      <MeasureOverlay kit={kit} ground={paneGround(desk, pane)} />
      {desk.activePane.value === pane && <MeasureHint kit={kit} />}
    </>
  );
}

/** The bar of tools above the panes, with the list of what was measured. */
export function ToolBarPart({ desk }: { desk: Desk }) {
  const kit = kitOf(desk);
  useEffect(
    () =>
      register([...viewCommands(desk), ...toolCommands(kit), ...measureCommands(kit)]),
    [desk, kit],
  );
  useEffect(() => keepHeld(kit), [kit]);
  useEffect(() => keepMeasured(kit), [kit]);
  useEffect(() => keepOnService(kit), [kit]);
  return (
    <>
      <Toolbar kit={kit} />
      <ListToggle kit={kit} />
    </>
  );
}

/** Arrow keys belong to what is held for as long as it is. */
function keepHeld(kit: Kit): () => void {
  let release: (() => void) | null = null;
  const stop = effect(() => {
    const isOn = isHeld(kit);
    if (isOn && !release) release = register(heldCommands(kit));
    if (!isOn && release) {
      release();
      release = null;
    }
  });
  return () => {
    stop();
    release?.();
  };
}

/** The report is told what was measured in the study that is read. */
function keepMeasured(kit: Kit): () => void {
  return effect(() => {
    const study = kit.desk.study.value;
    if (!study) return;
    const numbers = new Map(study.series.map((each) => [each.series_uid, each.number]));
    kit.desk.stage.measured.value = kit.shelf(study.id).shapes.value.map((shape) => {
      const { id, kind, series, reading } = shape;
      return {
        id,
        kind,
        text: textOf(shape, reading),
        line: reportLine(shape, reading, numbers.get(series) ?? null),
      };
    });
  });
}

function ListToggle({ kit }: { kit: Kit }) {
  const isOpen = useSignal(false);
  const shelf = kit.shelfOf(kit.ground.value);
  const count = shelf.shapes.value.length;
  const isHereAlone = ["lost", "refused"].includes(shelf.state.value);
  return (
    <div class="viewer-measured">
      <button
        type="button"
        class="button button-small"
        aria-expanded={isOpen.value}
        aria-label={`${t("measurements")}: ${count}${isHereAlone ? `. ${t(shelf.state.value)}` : ""}`}
        title={t("measurements")}
        onClick={() => {
          isOpen.value = !isOpen.value;
        }}
      >
        <ToolMark name="list" /> <span class="figures">{count}</span>
        {isHereAlone && <span aria-hidden="true">!</span>}
      </button>
      {isOpen.value && <MeasureList kit={kit} />}
    </div>
  );
}

/** What to do next, on the ground that keys work on. */
export function MeasureHint({ kit }: { kit: Kit }) {
  const said = hintOf(kit);
  return said ? (
    <p class="viewer-hint" role="status">
      {said}
    </p>
  ) : null;
}

function hintOf(kit: Kit): string {
  const ground = kit.ground.value;
  if (!ground.isFree()) return "";
  const placing = placedOn(kit, ground);
  if (placing) {
    const isFirst = placing.shape.points.length === 0;
    return t(isFirst ? "hintFirst" : "hintNext", { tool: t(placing.shape.kind) });
  }
  if (selectedOn(kit, ground)) return t("hintSelected");
  const tool = ground.tool.value;
  return isKind(tool) ? t("hintMeasure", { tool: t(tool) }) : "";
}
