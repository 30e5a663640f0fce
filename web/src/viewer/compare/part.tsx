/** Layout, prior study and links in the bar; the way into the planes of a volume. */

import { useEffect } from "preact/hooks";
import { announce } from "~/core/announce";
import { api, ok } from "~/core/api/client";
import { type Command, register } from "~/core/keys/commands";
import { day } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { useLoaded } from "~/shell/loaded";
import { toastFailed } from "~/shell/toast";
import { whenCalm } from "~/viewer/load/calm";
import { loadStudy, type WholeStudy } from "~/viewer/load/study";
import { refusalText } from "~/viewer/mpr/mode";
import { type Desk, type Grid, layOut } from "~/viewer/stack/desk";
import { isListed } from "~/viewer/stack/pane_state";
import { CommandButton } from "~/viewer/tools/toolbar";
import { keepLinked, linkingOf } from "./linking";
import {
  fillPanes,
  inProposedOrder,
  isLater,
  layBeside,
  proposed,
  type StudyLine,
  samePatient,
} from "./prior";
import { t } from "./texts";
import "./compare.css";

/** Everything about more than one pane. */
export function CompareBar({ desk }: { desk: Desk }) {
  useEffect(() => register(compareCommands(desk)), [desk]);
  useEffect(() => keepLinked(desk), [desk]);
  return (
    <div class="viewer-compare">
      {desk.mode.value === null && <Layout desk={desk} />}
      <MprButton desk={desk} />
      {desk.study.value?.patient.id && (
        <PriorPicker desk={desk} study={desk.study.value} />
      )}
      <PatientWarnings desk={desk} />
    </div>
  );
}

function Layout({ desk }: { desk: Desk }) {
  const linking = linkingOf(desk);
  const [rows, columns] = desk.grid.value;
  const count = rows * columns;
  return (
    <>
      <CommandButton id="viewer.layout-1" icon="layout-1" isPressed={count === 1} />
      <CommandButton id="viewer.layout-2" icon="layout-2" isPressed={count === 2} />
      <CommandButton id="viewer.layout-4" icon="layout-4" isPressed={count === 4} />
      {count > 1 && (
        <>
          <CommandButton
            id="viewer.link"
            icon="link"
            isPressed={linking.isScrolled.value}
          />
          <CommandButton
            id="viewer.link-window"
            icon="window"
            isPressed={linking.isWindowed.value}
          />
        </>
      )}
    </>
  );
}

const GRIDS: readonly (readonly [
  id: "layout1" | "layout2" | "layout4",
  key: string,
  grid: Grid,
])[] = [
  ["layout1", "Alt+1", [1, 1]],
  ["layout2", "Alt+2", [1, 2]],
  ["layout4", "Alt+4", [2, 2]],
];

function compareCommands(desk: Desk): readonly Command[] {
  const linking = linkingOf(desk);
  const areSeveral = () => desk.panes.value.length > 1 && desk.mode.peek() === null;
  const on = (
    id: string,
    keys: readonly string[],
    text: () => string,
    run: () => void,
    when: () => boolean = () => desk.mode.peek() === null,
  ): Command => ({ id: `viewer.${id}`, place: "viewer", keys, text, run, when });
  return [
    ...GRIDS.map(([id, key, grid]) =>
      on(
        id.replace("layout", "layout-"),
        [key],
        () => t(id),
        () => {
          layOut(desk, grid);
          fillPanes(desk);
        },
      ),
    ),
    on(
      "next-pane",
      ["t"],
      () => t("nextPane"),
      () => {
        desk.active.value = (desk.active.peek() + 1) % desk.panes.peek().length;
        document
          .querySelector<HTMLElement>(`[data-pane="${desk.active.peek()}"]`)
          ?.focus();
      },
      areSeveral,
    ),
    on(
      "link",
      ["Shift+l"],
      () => t("link"),
      () => {
        linking.isScrolled.value = !linking.isScrolled.peek();
        const by = linking.by.peek();
        if (by)
          announce(t("linkOn", { how: t(by === "position" ? "byPosition" : "byIndex") }));
      },
      areSeveral,
    ),
    on(
      "link-window",
      ["Shift+w"],
      () => t("linkWindow"),
      () => {
        linking.isWindowed.value = !linking.isWindowed.peek();
      },
      areSeveral,
    ),
    on(
      "mpr",
      ["v"],
      () => t("mpr"),
      () => {
        desk.mode.value = "mpr";
      },
      () => canShowPlanes(desk),
    ),
  ];
}

function canShowPlanes(desk: Desk): boolean {
  const pane = desk.activePane.peek();
  // While a long series is still being listed nothing is known of its geometry.
  return desk.mode.peek() === null && isListed(pane) && refusalText(pane) === "";
}

/** There once a series is listed; where the series makes no volume it says why. */
function MprButton({ desk }: { desk: Desk }) {
  const pane = desk.activePane.value;
  if (!isListed(pane)) return null;
  const reason = refusalText(pane);
  if (!reason)
    return (
      <CommandButton id="viewer.mpr" icon="mpr" isPressed={desk.mode.value === "mpr"} />
    );
  return (
    <button
      type="button"
      class="button button-small viewer-refused"
      aria-disabled="true"
      aria-label={`MPR. ${reason}`}
      title={reason}
      onClick={() => toastFailed(new Error(reason), t("mpr"))}
    >
      MPR
    </button>
  );
}

function PriorPicker({ desk, study }: { desk: Desk; study: WholeStudy }) {
  const found = useLoaded(
    async (abort) => {
      await whenCalm(); // nobody compares before there is an image
      const asked = api.GET("/api/v1/studies", {
        params: { query: { patient_id: study.patient.id, order: "newest", limit: 50 } },
        signal: abort,
      });
      return inProposedOrder(study, (await ok(asked)).items);
    },
    [study.id, study.patient.id],
  );
  const others = found.data.value ?? [];
  if (others.length === 0) return null;
  const first = proposed(study, others);
  return (
    <label class="viewer-prior">
      <span>{t("prior")}</span>
      <select
        value={String(desk.prior.value?.id ?? "")}
        onChange={(event) => choose(desk, Number(event.currentTarget.value))}
      >
        <option value="">{t("noPrior")}</option>
        {desk.prior.value && !others.some(({ id }) => id === desk.prior.value?.id) && (
          <option value={desk.prior.value.id}>{nameOf(desk.prior.value)}</option>
        )}
        {others.map((each) => (
          <option key={each.id} value={each.id}>
            {optionText(each, each === first, isLater(study, each))}
          </option>
        ))}
      </select>
    </label>
  );
}

function optionText(line: StudyLine, isProposed: boolean, isAfter: boolean): string {
  const what = nameOf(line);
  if (isProposed) return t("newest", { what });
  return isAfter ? t("later", { what }) : what;
}

function nameOf(line: StudyLine | WholeStudy): string {
  const { id, study_date, modalities, description } = line;
  const parts = [day(study_date), modalities.slice(0, 2).join(", "), description];
  return parts.filter(Boolean).join(" · ") || t("unnamed", { n: id });
}

async function choose(desk: Desk, study: number): Promise<void> {
  if (!study) {
    desk.prior.value = null;
    layOut(desk, [1, 1]);
    return;
  }
  try {
    layBeside(desk, await loadStudy(study, new AbortController().signal));
  } catch (error) {
    toastFailed(error);
  }
}

/** Two patients beside one another are said so, loudly. */
function PatientWarnings({ desk }: { desk: Desk }) {
  const read = desk.study.value;
  if (!read) return null;
  const said = desk.panes.value.flatMap((pane, at) => {
    const study = pane.study.value;
    if (!study || study.id === read.id) return [];
    const found = samePatient(read, study);
    if (found === "same") return [];
    const ids = { n: at + 1, there: study.patient.id, here: read.patient.id };
    return [t(found, ids)];
  });
  return said.length > 0 ? (
    <p class="viewer-other-patient" role="alert">
      <Icon name="alert" /> {said.join(" ")}
    </p>
  ) : null;
}
