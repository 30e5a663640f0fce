/** Three planes on the screen: their bar, what stands beside them, what they follow. */

import { effect, untracked } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { register } from "~/core/keys/commands";
import { number } from "~/core/text/format";
import { Legend } from "~/viewer/layers/legend";
import type { LaidOver } from "~/viewer/layers/seen";
import type { Desk } from "~/viewer/stack/desk";
import { patientLines, seriesLines } from "~/viewer/stack/legend";
import type { Pane } from "~/viewer/stack/pane_state";
import { imageKey } from "~/viewer/stage";
import { kitOf, MeasureHint } from "~/viewer/tools/part";
import { KINDS } from "~/viewer/tools/shape";
import { CommandButton } from "~/viewer/tools/toolbar";
import { planeCommands } from "./commands";
import { type Grounds, goToMeasured, groundsOf } from "./ground";
import { LayerVolumes } from "./layer_volume";
import { overPlane } from "./plane_layers";
import { PlaneView } from "./plane_view";
import { probe } from "./reslice";
import { goToSlice, type Planes, resetPlanes, type PlaneView as Shown } from "./state";
import { t } from "./texts";
import type { Frame } from "./volume";

/** The way back to the slices. */
export function BackButton({ desk }: { desk: Desk }) {
  return (
    <button
      type="button"
      class="button button-small"
      onClick={() => {
        desk.mode.value = null;
      }}
    >
      {t("back")}
    </button>
  );
}

const SLABS = [0, 5, 10, 20, 40];

interface Props {
  readonly desk: Desk;
  readonly pane: Pane;
  readonly planes: Planes;
}

/** The planes of a volume that is loaded. */
export function OpenPlanes({ desk, pane, planes }: Props) {
  const grounds = useMemo(() => groundsOf(pane, planes), [pane, planes]);
  const overs = useMemo(() => layersOver(desk, planes), [desk, planes]);
  useEffect(() => () => overs.volumes.close(), [overs]);
  useEffect(() => register(planeCommands(desk, planes)), [desk, planes]);
  useEffect(() => keepGround(desk, planes, grounds), [desk, planes, grounds]);
  useEffect(() => keepAsked(desk, planes), [desk, planes]);
  const [first] = planes.views;
  const legend = first && overs.of.get(first);
  return (
    <div class="viewer-mpr">
      <Bar desk={desk} pane={pane} planes={planes} />
      <div class="viewer-mpr-views">
        {planes.views.map((of) => {
          const [ground, over] = [grounds.get(of), overs.of.get(of)];
          return (
            ground &&
            over && (
              <PlaneView
                key={of.view}
                desk={desk}
                planes={planes}
                of={of}
                pane={pane}
                ground={ground}
                over={over}
              />
            )
          );
        })}
        <div class="viewer-mpr-said">
          <MeasureHint kit={kitOf(desk)} />
          <Facts pane={pane} frame={planes.volume.frame} />
          {legend && <Legend desk={desk} over={legend} />}
        </div>
      </div>
    </div>
  );
}

function layersOver({ stage }: Desk, planes: Planes) {
  const volumes = new LayerVolumes(planes.images, planes.volume.frame);
  const of = new Map<Shown, LaidOver>(
    planes.views.map((view) => [view, overPlane(stage, planes, view, volumes)]),
  );
  return { volumes, of };
}

/** Keys measure on the active view for as long as planes are shown. */
function keepGround(desk: Desk, planes: Planes, grounds: Grounds): () => void {
  const kit = kitOf(desk);
  const stop = effect(() => {
    const of = planes.views.find(({ view }) => view === planes.active.value);
    kit.elsewhere.value = (of && grounds.get(of)) ?? null;
  });
  return () => {
    stop();
    kit.elsewhere.value = null;
    kit.placing.value = null;
  };
}

/** Go where a measurement or a panel asks: to a plane, or to the plane of a slice. */
function keepAsked(desk: Desk, planes: Planes): () => void {
  const kit = kitOf(desk);
  const before = desk.stage.wanted.peek();
  const stops = [
    effect(() => {
      const wanted = kit.wanted.value;
      untracked(() => {
        if (wanted && goToMeasured(planes, wanted)) kit.wanted.value = null;
      });
    }),
    effect(() => {
      const wanted = desk.stage.wanted.value;
      if (!wanted || wanted === before) return;
      untracked(() => {
        // An image of another series is shown in the panes.
        if (!goToSlice(planes, imageKey(wanted.image))) desk.mode.value = null;
      });
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function Bar({ desk, pane, planes }: Props) {
  return (
    <div class="viewer-mpr-bar">
      <BackButton desk={desk} />
      <fieldset class="viewer-edit">
        <legend class="unseen">{t("hand")}</legend>
        <CommandButton
          id="viewer.plane-crosshair"
          icon="crosshair"
          isPressed={planes.hand.value === "crosshair"}
        />
        {(["window", "pan", "zoom", ...KINDS] as const).map((tool) => (
          <CommandButton
            key={tool}
            id={`tools.${tool}`}
            icon={tool}
            isPressed={planes.hand.value === tool}
          />
        ))}
        <CommandButton id="tools.undo" icon="undo" />
        <CommandButton id="tools.redo" icon="redo" />
      </fieldset>
      <label class="viewer-window-field">
        <span>{t("slab")}</span>
        <select
          value={planes.thickness.value}
          onChange={(event) => {
            planes.thickness.value = Number(event.currentTarget.value);
          }}
        >
          {SLABS.map((mm) => (
            <option key={mm} value={mm}>
              {mm === 0 ? t("thin") : t("slabOf", { mm })}
            </option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="button button-small"
        onClick={() => resetPlanes(planes)}
      >
        {t("reset")}
      </button>
      <p class="viewer-mpr-value figures">{valueText(planes, pane)}</p>
    </div>
  );
}

/** Whose volume it is, and what a reader must know of it. */
function Facts({ pane, frame }: { pane: Pane; frame: Frame }) {
  const image = pane.shown.value?.image;
  return (
    <>
      {image &&
        [patientLines(image), seriesLines(image)].map((lines, at) => (
          <p key={at === 0 ? "patient" : "series"}>
            {lines.map((line) => (
              <span key={line}>{line}</span>
            ))}
          </p>
        ))}
      {notesOf(frame).map((note) => (
        <p key={note} class="viewer-mpr-note">
          {note}
        </p>
      ))}
    </>
  );
}

function valueText({ volume, point }: Planes, pane: Pane): string {
  const value = probe(volume, point.value);
  const [x, y, z] = point.value.map((each) => number(each, 1));
  const at = t("at", { x: x ?? "", y: y ?? "", z: z ?? "" });
  const picture = pane.shown.value?.picture;
  const unit = picture?.kind === "grey" ? picture.modality.unit : "";
  const said = Number.isNaN(value) ? t("none") : `${number(value, 1)} ${unit}`.trim();
  return `${t("value", { value: said })} (${at})`;
}

const LEAST_TILT = 0.1;
const THICK = 2;

/** What a reader must know of a volume before trusting its planes. */
function notesOf({ gaps, tilt, isUneven, spacing }: Frame): string[] {
  const [least, most] = [number(gaps[0], 1), number(gaps[1], 1)];
  const isThick = gaps[1] > THICK * Math.max(...spacing);
  return [
    ...(isUneven
      ? [t("uneven", { least, most })]
      : isThick
        ? [t("thick", { most })]
        : []),
    ...(tilt > LEAST_TILT ? [t("tilted", { degrees: number(tilt, 1) })] : []),
  ];
}
