/** Everything that lies over the image of a pane, from below upwards. */

import { useEffect, useMemo } from "preact/hooks";
import { register } from "~/core/keys/commands";
import type { Desk } from "~/viewer/stack/desk";
import type { Pane } from "~/viewer/stack/pane_state";
import { BoxEditor, Boxes } from "./boxes";
import { LayerCanvas } from "./canvas";
import { editCommands, layerCommands } from "./commands";
import { EditBar, EditHint } from "./edit_bar";
import { editorOf, keepFresh } from "./editor";
import { LayerControls, Legend } from "./legend";
import { Outlines } from "./outlines";
import { PaintSurface } from "./paint";
import { overPane } from "./seen";

/** The layers of a pane, below its measurements. */
export function LayerPart({ desk, pane }: { desk: Desk; pane: Pane }) {
  const { stage } = desk;
  const over = useMemo(() => overPane(stage, pane), [stage, pane]);
  return (
    <>
      <LayerCanvas stage={stage} over={over} />
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: each box in it has its own name */}
      <svg class="viewer-shapes">
        <Outlines stage={stage} over={over} />
        <Boxes desk={desk} pane={pane} />
      </svg>
      <Legend desk={desk} over={over} />
    </>
  );
}

/** What is edited, above everything else of a pane. */
export function EditPart({ desk, pane }: { desk: Desk; pane: Pane }) {
  return (
    <>
      <BoxEditor desk={desk} pane={pane} />
      <PaintSurface desk={desk} pane={pane} />
      {desk.activePane.value === pane && <EditHint desk={desk} />}
    </>
  );
}

/** Controls of layers and edits above the panes. */
export function LayerBar({ desk }: { desk: Desk }) {
  const editor = editorOf(desk);
  const isEditing = desk.stage.editing.value !== null;
  useEffect(() => register(layerCommands(desk)), [desk]);
  useEffect(() => keepFresh(editor), [editor]);
  useEffect(
    () => (isEditing ? register(editCommands(editor)) : undefined),
    [editor, isEditing],
  );
  return (
    <>
      <LayerControls desk={desk} />
      <EditBar desk={desk} />
    </>
  );
}
