/** The words of a report: its sections, and putting text into them. */

import type { components } from "~/core/api/schema";
import type { Lang } from "~/core/text/lang";

export type Content = components["schemas"]["ReportContent"];
export type Version = components["schemas"]["VersionView"];
export type VersionLine = components["schemas"]["VersionLine"];
export type Draft = components["schemas"]["DraftView"];
export type Section = keyof Content["sections"];

/** In the order in which they are read. */
export const SECTIONS: readonly Section[] = [
  "indication",
  "examined",
  "findings",
  "comparison",
  "impression",
];

/** Of a section, in characters, as the service takes it. */
export const LONGEST = 20_000;

/** A report without words. */
export function emptyContent(lang: Lang): Content {
  return {
    lang,
    result_id: null,
    sections: {
      indication: "",
      examined: "",
      findings: "",
      comparison: "",
      impression: "",
    },
  };
}

/** Whether both say the same in the same language, drafted from the same result. */
export function isSame(a: Content, b: Content): boolean {
  return (
    a.lang === b.lang &&
    (a.result_id ?? null) === (b.result_id ?? null) &&
    SECTIONS.every((each) => a.sections[each] === b.sections[each])
  );
}

/** Whether nothing is written at all. */
export function isEmpty(content: Content): boolean {
  return SECTIONS.every((each) => content.sections[each].trim() === "");
}

/** Whether it says nothing of what is seen or what it means: no one can sign that. */
export function saysNothing(content: Content): boolean {
  const { findings, impression } = content.sections;
  return findings.trim() === "" && impression.trim() === "";
}

/** The content with another text in one section. */
export function withSection(content: Content, section: Section, text: string): Content {
  return { ...content, sections: { ...content.sections, [section]: text } };
}

/** A text after something was put into it, and where the cursor then stands. */
export interface Inserted {
  readonly text: string;
  readonly cursor: number;
}

/**
 * Put a piece where the cursor is, apart from the words around it.
 *
 * @param start, end what is selected, and goes; in characters.
 */
export function insertAt(
  text: string,
  piece: string,
  start: number,
  end: number = start,
): Inserted {
  const before = text.slice(0, start);
  const after = text.slice(end);
  const isApart = before === "" || /[\s(（]$/.test(before);
  const isFollowed = after === "" || /^[\s.,;:)，。；：）、]/.test(after);
  const put = `${isApart ? "" : " "}${piece}${isFollowed ? "" : " "}`;
  return { text: before + put + after, cursor: before.length + put.length };
}
