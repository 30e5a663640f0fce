/** One bundle: what it is for, how good it was, how it does here, and what is done with it. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import { hear } from "~/core/events";
import { register } from "~/core/keys/commands";
import { number } from "~/core/text/format";
import { Boundary } from "~/shell/boundary";
import { Link } from "~/shell/link";
import { Show, useLoaded } from "~/shell/loaded";
import { DataPanel, SafetyPanel, UsePanel } from "./about";
import {
  type Bundle,
  type BundleLine,
  type Promotion,
  readBundle,
  readMonitor,
} from "./asked";
import { ComparisonPanel } from "./comparison";
import { EvaluatePanel } from "./evaluate_panel";
import { FiguresTable } from "./figures_table";
import { Markdown } from "./markdown";
import { Measured } from "./measured";
import { MONTHS, Monitoring } from "./monitoring";
import { lastMonths, sitesOf } from "./months";
import { Panel } from "./parts";
import { NewReference } from "./reference";
import { RoleChip } from "./role_chip";
import { Roles } from "./roles";
import { Rollback } from "./rollback";
import { t } from "./texts";
import { te } from "./texts_evaluate";
import { tf } from "./texts_figures";
import { tl } from "./texts_living";
import { type Part, partsOf } from "./told";
import "./charts.css";
import "./models.css";

/** The page of an address /models/DIGEST. */
export default function ModelPage({ route }: { route: { digest: string } }) {
  const { digest } = route;
  const asked = useLoaded(
    async (abort) => {
      const [bundle, others, promotions] = await Promise.all([
        readBundle(digest, abort),
        ok(api.GET("/api/v1/bundles", { signal: abort })),
        ok(api.GET("/api/v1/monitor/promotions", { signal: abort })),
      ]);
      return { bundle, others, promotions };
    },
    [digest],
  );
  useEffect(() => hear("reset", asked.again), []);
  return (
    <div class="page">
      <p>
        <Link to="/models">← {t("allModels")}</Link>
      </p>
      <Show of={asked}>
        {(told) => <Model key={digest} {...told} onChange={asked.again} />}
      </Show>
    </div>
  );
}

interface Props {
  readonly bundle: Bundle;
  readonly others: readonly BundleLine[];
  readonly promotions: readonly Promotion[];
  readonly onChange: () => void;
}

function Model(props: Props) {
  const { bundle, others, promotions } = props;
  const monitor = useLoaded(
    (abort) => readMonitor(lastMonths(MONTHS), bundle.digest, abort),
    [bundle.digest],
  );
  useEffect(() => register(COMMANDS), []);
  const parts = useMemo(() => partsOf(bundle.evaluation), [bundle.digest]);
  const beside = others.filter(({ digest }) => digest !== bundle.digest);
  const told = monitor.data.value;
  return (
    <>
      <Head {...props} others={beside} parts={parts} />
      {bundle.problem && (
        <p class="failure" role="alert">
          {t("loadFailed")}: {bundle.problem}
        </p>
      )}
      <UsePanel bundle={bundle} />
      <DataPanel bundle={bundle} part={parts[0]} />
      {parts.length > 0 ? (
        <Measured
          title={t("figures")}
          note={saidOf(bundle)}
          name={tf("shipped")}
          parts={parts}
        />
      ) : (
        <OldFigures bundle={bundle} />
      )}
      <SafetyPanel bundle={bundle} />
      <Monitoring
        monitor={monitor}
        tools={
          <NewReference
            bundle={bundle.digest}
            sites={told ? sitesOf(told.agreement) : []}
          />
        }
      />
      <ComparisonPanel bundle={bundle} others={others} promotions={promotions} />
      <EvaluatePanel bundle={bundle} />
      <Card text={bundle.card} />
    </>
  );
}

function Head({
  bundle,
  others,
  promotions,
  onChange,
  parts,
}: Props & { parts: readonly Part[] }) {
  return (
    <header class="models-head">
      <div class="models-head-text">
        <h1>{bundle.name}</h1>
        <p class="models-tools">
          <RoleChip role={bundle.role} />{" "}
          <span class="faint">{t(`${bundle.role}Hint`)}</span>
        </p>
        <nav class="models-sections" aria-label={t("sections")}>
          {SECTIONS.filter(([to]) => hasSection(to, bundle, parts)).map(([to, text]) => (
            <a key={to} href={`#${to}`}>
              {text()}
            </a>
          ))}
        </nav>
      </div>
      <div class="models-tools">
        <Roles bundle={bundle} others={others} onDone={onChange} />
        <Rollback promotions={promotions} onDone={onChange} />
      </div>
    </header>
  );
}

/** Figures of a bundle that came without curves. */
function OldFigures({ bundle }: { bundle: Bundle }) {
  const split = splitOf(bundle);
  const summary = bundle.metrics[split];
  return (
    <Panel id="figures" title={t("figures")} note={summary ? saidOf(bundle) : ""}>
      {summary ? (
        <FiguresTable name={t("figures")} metrics={summary.metrics} />
      ) : (
        <p>{t("noFigures")}</p>
      )}
      <p class="chip chip-warn models-note">{t("noCurves")}</p>
    </Panel>
  );
}

function splitOf({ metrics, evaluation }: Bundle): string {
  if (evaluation) return evaluation.split;
  return "test" in metrics ? "test" : (Object.keys(metrics)[0] ?? "");
}

function saidOf(bundle: Bundle): string {
  const split = splitOf(bundle);
  const summary = bundle.metrics[split] ?? bundle.evaluation?.parts[0];
  if (!summary) return "";
  const said = { n: number(summary.n_cases), patients: number(summary.n_patients) };
  return t("figuresOf", { split, ...said });
}

function Card({ text }: { text: string }) {
  const isOpen = useMemo(() => signal(false), []);
  if (!text) return null;
  return (
    <Panel id="card" title={t("card")} note={t("cardHint")}>
      <details
        onToggle={(event) => {
          isOpen.value = event.currentTarget.open;
        }}
      >
        <summary>{t("showCard")}</summary>
        {isOpen.value && (
          <Boundary>
            <Markdown text={text} />
          </Boundary>
        )}
      </details>
    </Panel>
  );
}

const SECTIONS = [
  ["use", () => t("intendedUse")],
  ["data", () => t("data")],
  ["figures", () => t("figures")],
  ["moving", () => t("moving")],
  ["unsure", () => t("safety")],
  ["monitoring", () => tl("monitoring")],
  ["evaluate", () => te("evaluate")],
  ["card", () => t("card")],
] as const;

/** Masks have no operating point, and not every bundle tells its data or has a card. */
function hasSection(id: string, bundle: Bundle, parts: readonly Part[]): boolean {
  if (id === "data") return bundle.training !== null;
  if (id === "moving") return parts.some(({ labels }) => labels.length > 0);
  return id !== "card" || bundle.card !== "";
}

/** Bring a part of the page into view, and the focus with it. */
function show(id: string): void {
  const part = document.getElementById(id);
  part?.scrollIntoView({ block: "start" });
  const within = part?.querySelector<HTMLElement>("input, button, summary, a[href]");
  within?.focus({ preventScroll: true });
}

const COMMANDS = (
  [
    ["figures", ["f"], () => t("goFigures")],
    ["moving", ["o"], () => t("goMoving")],
    ["monitoring", ["m"], () => t("goMonitoring")],
    ["evaluate", ["e"], () => t("goEvaluate")],
    ["card", ["c"], () => t("goCard")],
  ] as const
).map(([id, keys, text]) => ({
  id: `models.${id}`,
  place: "models" as const,
  keys,
  text,
  run: () => show(id),
  when: () => document.getElementById(id) !== null,
}));
