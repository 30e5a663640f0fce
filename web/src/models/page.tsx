/** All bundles: what each is for, how good it was, how it does here. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { hear } from "~/core/events";
import { register } from "~/core/keys/commands";
import { may } from "~/core/session";
import { number } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Link } from "~/shell/link";
import { Show, useLoaded } from "~/shell/loaded";
import { lookedAt, taskOf } from "./about";
import { AddBundle } from "./add_bundle";
import {
  type Bundle,
  type BundleLine,
  type Monitor,
  readBundle,
  readLines,
  readMonitor,
} from "./asked";
import { EvaluationList } from "./evaluation_list";
import { interval, styleOf, written } from "./figure";
import { MONTHS } from "./monitoring";
import { lastMonths } from "./months";
import { Panel } from "./parts";
import { RoleChip } from "./role_chip";
import { t } from "./texts";
import { te } from "./texts_evaluate";
import { nameOf } from "./texts_names";
import "./charts.css";
import "./models.css";

/** The page of the address /models. */
export default function ModelsPage() {
  const bundles = useLoaded(readLines, []);
  const monitor = useLoaded(
    (abort) => readMonitor(lastMonths(MONTHS), undefined, abort),
    [],
  );
  const isAdding = useMemo(() => signal(false), []);
  const add = () => {
    isAdding.value = !isAdding.value;
  };
  useEffect(() => {
    const command = {
      id: "models.add",
      place: "models" as const,
      keys: ["a"],
      text: () => t("goUp"),
      run: add,
    };
    return register([command]);
  }, []);
  useEffect(() => hear("reset", bundles.again), []);
  return (
    <div class="page">
      <header class="models-head">
        <div class="models-head-text">
          <h1>{t("models")}</h1>
          <p class="faint">{t("modelsHint")}</p>
        </div>
        {may("administer") && (
          <button
            type="button"
            class="button button-main"
            aria-expanded={isAdding.value}
            onClick={add}
          >
            <Icon name="plus" /> {t("addBundle")}
          </button>
        )}
      </header>
      {isAdding.value && (
        <AddBundle
          actives={(bundles.data.value ?? []).filter(({ role }) => role === "active")}
          onAdded={() => {
            isAdding.value = false;
            bundles.again();
          }}
        />
      )}
      <Show of={bundles}>
        {(found) =>
          found.length === 0 ? (
            <p class="empty">{t("noModels")}</p>
          ) : (
            <ul class="models-list">
              {found.map((line) => (
                <Card key={line.digest} line={line} monitor={monitor.data.value} />
              ))}
            </ul>
          )
        }
      </Show>
      <Panel title={te("allEvaluations")}>
        <EvaluationList bundle={null} />
      </Panel>
    </div>
  );
}

function Card({ line, monitor }: { line: BundleLine; monitor: Monitor | null }) {
  const asked = useLoaded((abort) => readBundle(line.digest, abort), [line.digest]);
  return (
    <li class={`models-card models-card-${line.role}`}>
      <h2>
        <Link to={`/models/${line.digest}`}>{line.name}</Link>
        <RoleChip role={line.role} />
        <span class="models-digest faint">{line.digest.slice(0, 8)}</span>
      </h2>
      <Show of={asked}>
        {(bundle) => (
          <>
            <About bundle={bundle} />
            <Headline bundle={bundle} />
          </>
        )}
      </Show>
      <Life digest={line.digest} monitor={monitor} />
    </li>
  );
}

function About({ bundle }: { bundle: Bundle }) {
  if (bundle.problem) {
    return (
      <p class="chip chip-bad models-note">
        {t("loadFailed")}: {bundle.problem}
      </p>
    );
  }
  return (
    <div class="models-card-text">
      <p>{bundle.intended_use || t("noUse")}</p>
      <p class="faint">
        {lookedAt(bundle.form)}; {taskOf(bundle)}
        {bundle.training?.modality && `; ${bundle.training.modality}`}
      </p>
      <Labels of={bundle.labels} />
    </div>
  );
}

const MOST_LABELS = 8;

function Labels({ of }: { of: readonly string[] }) {
  return (
    <p class="models-labels">
      {of.slice(0, MOST_LABELS).map((label) => (
        <span key={label} class="chip">
          {label}
        </span>
      ))}
      {of.length > MOST_LABELS && (
        <span class="faint">+{number(of.length - MOST_LABELS)}</span>
      )}
    </p>
  );
}

function Headline({ bundle }: { bundle: Bundle }) {
  const split = "test" in bundle.metrics ? "test" : Object.keys(bundle.metrics)[0];
  const summary = split ? bundle.metrics[split] : undefined;
  const name = ["auroc", "dice"].find((each) => summary?.metrics[each]?.value != null);
  const figure = name ? summary?.metrics[name] : undefined;
  if (!summary || !name || !figure) {
    return <p class="models-card-text faint">{bundle.problem ? "" : t("noFigures")}</p>;
  }
  const said = {
    n: number(summary.n_cases),
    patients: number(summary.n_patients),
    split: split ?? "",
  };
  return (
    <div class="models-card-text">
      <p>{nameOf(name)}</p>
      <p class="models-big">{written(figure.value, styleOf(name))}</p>
      <p class="figures">{interval(figure, styleOf(name))}</p>
      <p class="faint">{t("onSplit", said)}</p>
    </div>
  );
}

function Life({ digest, monitor }: { digest: string; monitor: Monitor | null }) {
  if (!monitor) return <div />;
  const own = monitor.agreement.filter((each) => each.bundle === digest);
  const findings = own.reduce((sum, each) => sum + each.findings, 0);
  const alarms = monitor.open_alarms.filter((each) => each.bundle === digest);
  return (
    <div class="models-card-text">
      <p>{t("answers", { months: MONTHS })}</p>
      <p class="models-big">{number(findings)}</p>
      <p>
        {t("openAlarms")}:{" "}
        {alarms.length > 0 ? (
          <Link to={`/models/${digest}`} class="chip chip-bad">
            <Icon name="alert" /> {number(alarms.length)}
          </Link>
        ) : (
          t("none")
        )}
      </p>
    </div>
  );
}
