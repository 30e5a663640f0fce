/** The report on paper: on the page it is not seen, in print it is all there is. */

import { ageAt, day, moment, personName } from "~/core/text/format";
import { type GivenResult, originOf } from "./basis";
import { type Content, SECTIONS, type Version } from "./content";
import { t } from "./texts";

/** Whose study it is, for the head of the sheet. */
export interface Sheet {
  readonly patient: {
    readonly id: string;
    readonly name: string;
    readonly birth_date: string | null;
    readonly sex: string;
  };
  readonly study_date: string | null;
  readonly description: string;
  readonly accession_number: string;
}

interface Props {
  readonly sheet: Sheet;
  readonly content: Content;
  /** Null while it is being written. */
  readonly version: Version | null;
  readonly results: readonly GivenResult[];
}

/** Identity first, what it is worth last. */
export function Paper({ sheet, content, version, results }: Props) {
  const { patient } = sheet;
  const age = ageAt(patient.birth_date, sheet.study_date);
  const isSigned = version?.is_signed === true;
  return (
    <article class="report-paper" aria-hidden="true">
      <header>
        <p>
          <strong>{personName(patient.name)}</strong> · {patient.id}
        </p>
        <p>
          {[
            patient.birth_date && `${t("born")} ${day(patient.birth_date)}`,
            age,
            patient.sex,
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
        <p>
          {[
            `${t("study")}: ${sheet.description}`,
            day(sheet.study_date),
            sheet.accession_number,
          ]
            .filter(Boolean)
            .join(" · ")}
        </p>
        {!isSigned && <p class="report-paper-draft">{t("draftMark")}</p>}
      </header>
      {SECTIONS.filter((each) => content.sections[each].trim() !== "").map((section) => (
        <section key={section}>
          <h2>{t(section)}</h2>
          <p class="report-text">{content.sections[section]}</p>
        </section>
      ))}
      <footer>
        {version && (
          <p>
            {t("version", { version: version.version })}
            {isSigned &&
              ` · ${t("signed", { name: version.author, time: moment(version.made_at) })}`}
            {` · ${version.content_digest}`}
          </p>
        )}
        {version && <Sources version={version} results={results} />}
        <p>{t("notice")}</p>
      </footer>
    </article>
  );
}

function Sources({ version, results }: { version: Version } & Pick<Props, "results">) {
  const { from, wasOlder } = originOf(version, results);
  if (!from) return null;
  return <p>{[from, wasOlder].filter(Boolean).join(" ")}</p>;
}
