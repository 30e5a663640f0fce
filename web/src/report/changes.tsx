/** Two contents against each other, section by section. */

import { useMemo } from "preact/hooks";
import { type Content, SECTIONS } from "./content";
import { diff } from "./diff";
import { t } from "./texts";

interface Props {
  readonly before: Content;
  readonly after: Content;
}

/** What came is underlined, what went is struck through: colour does not stand alone. */
export function Changes({ before, after }: Props) {
  const changed = useMemo(
    () =>
      SECTIONS.filter((each) => before.sections[each] !== after.sections[each]).map(
        (section) => ({
          section,
          pieces: diff(before.sections[section], after.sections[section]),
        }),
      ),
    [before, after],
  );
  if (changed.length === 0) return <p class="faint">{t("noChanges")}</p>;
  return (
    <div class="report-changes">
      {changed.map(({ section, pieces }) => (
        <section key={section}>
          <h4>{t(section)}</h4>
          <p class="report-text">
            {pieces.map((piece, at) => {
              const key = `${at}/${piece.kind}`;
              if (piece.kind === "added") return <ins key={key}>{piece.text}</ins>;
              if (piece.kind === "removed") return <del key={key}>{piece.text}</del>;
              return <span key={key}>{piece.text}</span>;
            })}
          </p>
        </section>
      ))}
    </div>
  );
}
