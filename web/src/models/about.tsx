/** What a bundle is for, the data it saw, and what it says when it is unsure. */

import { moment, number, percent } from "~/core/text/format";
import type { Bundle } from "./asked";
import { written } from "./figure";
import { Facts, Panel, Scroll } from "./parts";
import { t } from "./texts";
import { ruleOf } from "./texts_names";
import type { Part } from "./told";

/** The intended use before all else. */
export function UsePanel({ bundle }: { bundle: Bundle }) {
  return (
    <Panel id="use" title={t("intendedUse")}>
      <p class="models-use">{bundle.intended_use || t("noUse")}</p>
      <p class="faint">{t("notice")}</p>
      <Facts
        of={[
          [t("looksAt"), lookedAt(bundle.form)],
          [t("task"), taskOf(bundle)],
          ...(bundle.positive ? [[t("positive"), bundle.positive] as const] : []),
          [t("labels"), bundle.labels.join(", ")],
          [t("input"), inputOf(bundle)],
          [t("steps"), bundle.input?.steps.join(" → ") ?? ""],
          [t("addedAt"), moment(bundle.added_at)],
          [t("digest"), <span class="models-digest">{bundle.digest}</span>],
        ]}
      />
    </Panel>
  );
}

/** The form of a bundle in words. */
export function lookedAt(form: string): string {
  const known = ["image", "sequence", "volume", "segment"] as const;
  const found = known.find((each) => each === form);
  return found ? t(found) : form;
}

/** The task of a bundle in words. */
export function taskOf({ kind, labels }: Bundle): string {
  if (kind === "binary") return t("binary");
  const key = kind === "multilabel" ? "multilabel" : "multiclass";
  return t(key, { n: labels.length });
}

function inputOf({ input, form }: Bundle): string {
  if (!input) return "–";
  const { height, width, depth, channels } = input;
  const has3 = depth > 1 || form === "segment";
  const size = has3 ? `${depth} × ${height} × ${width}` : `${height} × ${width}`;
  return channels === 1 ? t("inputGrey", { size }) : t("inputSize", { size, channels });
}

/** Counts and prevalences of the data that it was made of and measured on. */
export function DataPanel({ bundle, part }: { bundle: Bundle; part: Part | undefined }) {
  const { training } = bundle;
  if (!training) return null;
  const test = bundle.metrics["test"];
  const facts: [string, string][] = [
    [t("trainCases"), count(training.train_cases)],
    [t("validationCases"), count(training.validation_cases)],
  ];
  if (test) {
    const said = { n: number(test.n_cases), patients: number(test.n_patients) };
    facts.push([t("testCases"), t("casesOf", said)]);
  }
  facts.push(
    [t("modality"), training.modality || t("pictures")],
    [t("net"), training.net || "–"],
    [t("path"), training.path.replaceAll("_", " ") || "–"],
    [t("dataDigest"), training.data_digest.slice(0, 12) || "–"],
  );
  return (
    <Panel id="data" title={t("data")} note={t("dataHint")}>
      <Facts of={facts} />
      <Prevalences bundle={bundle} part={part} />
    </Panel>
  );
}

function Prevalences({ bundle, part }: { bundle: Bundle; part: Part | undefined }) {
  const shares = bundle.training?.train_prevalence ?? {};
  const later = bundle.training?.validation_prevalence ?? {};
  if (Object.keys(shares).length === 0) return null;
  return (
    <Scroll name={t("data")}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">{t("label")}</th>
            <th scope="col" class="number">
              {t("inTraining")}
            </th>
            <th scope="col" class="number">
              {t("inValidation")}
            </th>
            <th scope="col" class="number">
              {t("inTest")}
            </th>
          </tr>
        </thead>
        <tbody>
          {bundle.labels.map((label) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td class="number">{share(shares[label])}</td>
              <td class="number">{share(later[label])}</td>
              <td class="number">{inTest(bundle, part, label)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function inTest(bundle: Bundle, part: Part | undefined, label: string): string {
  const rows = part?.confusion?.counts;
  const row = rows?.[part?.confusion?.labels.indexOf(label) ?? -1];
  const found = part?.labels.find((each) => each.label === label);
  const present = row ? row.reduce((sum, each) => sum + each, 0) : found?.n_present;
  if (present === undefined || !part || bundle.form === "segment") return "–";
  return `${percent(present / Math.max(1, part.n_cases))} (${number(present)})`;
}

function count(cases: number | null | undefined): string {
  return cases == null ? "–" : number(cases);
}

function share(value: number | undefined): string {
  return value === undefined ? "–" : percent(value);
}

/** Prediction sets, outlier gate, calibration, thresholds, engines. */
export function SafetyPanel({ bundle }: { bundle: Bundle }) {
  const { conformal, outlier, calibration } = bundle;
  return (
    <Panel id="unsure" title={t("safety")}>
      <Facts
        of={[
          [
            t("conformal"),
            conformal
              ? t("conformalSaid", { coverage: percent(conformal.coverage, 0) })
              : t("conformalNone"),
          ],
          [
            t("gate"),
            outlier
              ? t("gateSaid", {
                  share: percent(outlier.false_alarms, 0),
                  threshold: written(outlier.threshold),
                })
              : t("gateNone"),
          ],
          ...(bundle.form === "segment"
            ? []
            : calibration.map(
                (each) =>
                  [`${t("calibrated")} (${each.of})`, calibrationSaid(each)] as const,
              )),
          ...(Object.keys(bundle.engines).length > 0
            ? [[t("engines"), enginesOf(bundle)] as const]
            : []),
        ]}
      />
      <PointsTable bundle={bundle} />
    </Panel>
  );
}

/** Scale 1 and bias 0 change nothing: such probabilities are the network's own. */
function calibrationSaid({ scale, bias }: Bundle["calibration"][number]): string {
  const isPlain = scale.every((each) => each === 1) && bias.every((each) => each === 0);
  if (isPlain) return t("calibratedNone");
  return t("calibratedSaid", { scale: scale.map((each) => written(each)).join(", ") });
}

function enginesOf({ engines, form }: Bundle): string {
  return Object.entries(engines)
    .map(([name, { auroc_change: change, precision, is_offered: isOffered }]) =>
      t("engine", {
        name,
        precision,
        figure: form === "segment" ? "Dice" : "AUROC",
        change: written(change, "signed"),
        state: t(isOffered ? "offered" : "notOffered"),
      }),
    )
    .join(". ");
}

function PointsTable({ bundle }: { bundle: Bundle }) {
  const points = [...bundle.operating_points, ...bundle.series_points];
  if (points.length === 0) return null;
  return (
    <Scroll name={t("thresholds")}>
      <table class="table">
        <caption class="models-caption">{t("thresholds")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("rule")}</th>
            <th scope="col">{t("label")}</th>
            <th scope="col" class="number">
              {t("threshold")}
            </th>
            <td />
          </tr>
        </thead>
        <tbody>
          {points.map((point) => (
            <tr key={`${point.label} ${point.rule} ${point.threshold}`}>
              <td>{ruleOf(point.rule)}</td>
              <td>{point.label}</td>
              <td class="number">{written(point.threshold)}</td>
              <td>
                {point.chosen && <span class="chip chip-accent">{t("decides")}</span>}{" "}
                {point.note}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
