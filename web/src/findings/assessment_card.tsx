/** What one model says: first whether it knows such images at all, then its findings. */

import { may } from "~/core/session";
import { percent } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Link } from "~/shell/link";
import { AddedRow } from "./added_row";
import type { Assessment, Result } from "./diagnosis";
import { FindingRow } from "./finding_row";
import { FindingForms, openForm } from "./forms";
import { inOrder } from "./order";
import type { Reading } from "./reading";
import { fold } from "./status";
import { t } from "./texts";
import { addedTo } from "./verdicts";
import { figure, nameOf, phraseOf } from "./words";

interface Props {
  readonly reading: Reading;
  readonly result: Result;
  readonly assessment: Assessment;
  readonly at: number;
}

/** No figure stands before the caution that it wants. */
export function AssessmentCard({ reading, result, assessment, at }: Props) {
  const { algorithm, advice } = assessment;
  const heading = `assessment-${at}`;
  return (
    <section class="findings-card" aria-labelledby={heading}>
      <header class="findings-card-head">
        <h3 id={heading}>
          <Link to={`/models/${algorithm.digest}`}>{algorithm.name}</Link>
        </h3>
        <span class="faint">{looked(assessment)}</span>
      </header>
      {algorithm.intended_use && (
        <p class="findings-use faint" title={algorithm.intended_use}>
          {t("for", { use: algorithm.intended_use })}
        </p>
      )}
      {advice === "not_assessable" && (
        <p class="findings-caution" role="note">
          <Icon name="alert" />
          <span>
            <strong>{t("notAssessable")}</strong> {phraseOf(result, assessment.reason)}
          </span>
        </p>
      )}
      {advice === "outside" ? (
        <Outside reading={reading} result={result} assessment={assessment} at={at} />
      ) : (
        <Answer reading={reading} result={result} assessment={assessment} at={at} />
      )}
    </section>
  );
}

/** The caution, and the figures only for whoever asks for them. */
function Outside(props: Props) {
  const { reading, assessment, at } = props;
  const gate = assessment.out_of_distribution;
  return (
    <>
      <p class="findings-caution" role="note">
        <Icon name="alert" />
        <span>
          <strong>{t("advice_outside")}.</strong> {t("outsideWhy")}
          {gate && gate.threshold !== null && (
            <span class="faint figures findings-gate">
              {t("distance", {
                score: figure(gate.score),
                limit: figure(gate.threshold),
              })}
            </span>
          )}
        </span>
      </p>
      <details
        class="findings-fold"
        open={reading.opened.value.has(at)}
        onToggle={(event) => {
          const next = new Set(reading.opened.value);
          if (event.currentTarget.open) next.add(at);
          else next.delete(at);
          reading.opened.value = next;
        }}
      >
        <summary>{t("showAnyway")}</summary>
        {reading.opened.value.has(at) && <Answer {...props} />}
      </details>
    </>
  );
}

function Answer({ reading, result, assessment, at }: Props) {
  const { open, folded } = fold(assessment, inOrder(assessment.findings));
  const added = addedTo(reading.words.value, at);
  const row = (finding: (typeof open)[number]) => (
    <FindingRow
      key={finding.id}
      reading={reading}
      assessment={assessment}
      at={at}
      finding={finding}
    />
  );
  return (
    <>
      <Advice result={result} assessment={assessment} />
      <Notes result={result} assessment={assessment} />
      {assessment.status === "assessed" && assessment.findings.length === 0 && (
        <p class="faint">{t("noFindings")}</p>
      )}
      {open.length > 0 && <ul class="findings-rows">{open.map(row)}</ul>}
      {folded.length > 0 && (
        <details class="findings-fold" open={isPicked(reading, at, folded)}>
          <summary>{t("absentFold", { count: folded.length })}</summary>
          <ul class="findings-rows">{folded.map(row)}</ul>
        </details>
      )}
      {added.length > 0 && (
        <>
          <h4 class="findings-added">{t("addedByReaders")}</h4>
          <ul class="findings-rows">
            {added.map((each) => (
              <AddedRow key={each.key} reading={reading} added={each} />
            ))}
          </ul>
        </>
      )}
      {may("read") && assessment.images.length > 0 && (
        <button
          type="button"
          class="button button-small findings-add"
          onClick={() => openForm(reading, `${at}/+`, "edit")}
        >
          <Icon name="plus" /> {t("addFinding")}
        </button>
      )}
      <FindingForms
        reading={reading}
        assessment={assessment}
        at={at}
        finding={null}
        name=""
      />
    </>
  );
}

/** A folded finding that is walked to with the keys is not left in the dark. */
function isPicked(
  reading: Reading,
  at: number,
  folded: readonly { readonly id: string }[],
): boolean {
  return folded.some((each) => `${at}/${each.id}` === reading.selected.value);
}

function Advice({ result, assessment }: Pick<Props, "result" | "assessment">) {
  const { advice, prediction_set: set, coverage } = assessment;
  if (advice === "not_assessable" || advice === "outside") return null;
  // Where no probability was given, nothing can be above a point.
  const isDrawn = assessment.findings.every((each) => each.probability === null);
  const said = advice === "nothing_found" && isDrawn ? "nothing_drawn" : advice;
  const names = set.map((label) => nameOf(result, label)).join(t("listComma"));
  return (
    <div class={`findings-advice is-${advice}`}>
      <strong>{t(`advice_${said}`)}</strong>
      {coverage !== null && (
        <span class="faint">
          {set.length > 0
            ? t(set.length === 1 ? "setOne" : "setOf", { labels: names })
            : t("setNone")}
          {t("comma")}
          {t("coverage", { value: percent(coverage, 0) })}
        </span>
      )}
    </div>
  );
}

function Notes({ result, assessment }: Pick<Props, "result" | "assessment">) {
  // A reason that repeats a note says it once.
  const notes = assessment.notes.filter((each) => !assessment.reason.includes(each));
  if (notes.length === 0) return null;
  return (
    <ul class="findings-notes" aria-label={t("notes")}>
      {notes.map((note) => (
        <li key={note}>
          <Icon name="alert" /> {phraseOf(result, note)}
        </li>
      ))}
    </ul>
  );
}

function looked(assessment: Assessment): string {
  const count = assessment.images.length;
  const images = count === 1 ? t("oneImage") : t("images", { count });
  return [assessment.modality, assessment.body_part.toLowerCase(), images]
    .filter(Boolean)
    .join(" · ");
}
