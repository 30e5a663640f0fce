/** One finding: what it is, how sure, where, how large, and what readers say of it. */

import { useEffect, useRef } from "preact/hooks";
import { may } from "~/core/session";
import { Icon } from "~/shell/icon";
import { ProbabilityBar } from "./bar";
import type { Assessment, Finding } from "./diagnosis";
import { findingKey } from "./diagnosis";
import { FindingForms } from "./forms";
import { colourOf } from "./layers";
import { isOverlaid, type Reading } from "./reading";
import { RowActions } from "./row_actions";
import { statusOf } from "./status";
import { t } from "./texts";
import { isDisputed, wordsOn } from "./verdicts";
import { changeOf, nameOf, phraseOf, placeOf, sizeOf } from "./words";
import { Words } from "./words_list";

interface Props {
  readonly reading: Reading;
  readonly assessment: Assessment;
  readonly at: number;
  readonly finding: Finding;
}

/** A click on its name shows the image that matters. */
export function FindingRow({ reading, assessment, at, finding }: Props) {
  const result = reading.result.value;
  const key = findingKey(at, finding.id);
  const isSelected = reading.selected.value === key;
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isSelected) row.current?.scrollIntoView({ block: "nearest" });
  }, [isSelected]);
  if (!result) return null;
  const status = statusOf(assessment, finding);
  const name = nameOf(result, finding.label);
  const words = wordsOn(reading.words.value, key);
  const rule = finding.operating_point && phraseOf(result, finding.operating_point);
  return (
    <li
      ref={row}
      class={`findings-row ${isSelected ? "is-selected" : ""}`}
      data-finding={key}
    >
      <div class="findings-row-head">
        <button
          type="button"
          class="findings-name"
          aria-current={isSelected ? "true" : undefined}
          title={t("jump")}
          onClick={() => reading.select(key)}
        >
          <span
            class={`findings-swatch findings-colour-${colourOf(result, key)} ${isOverlaid(reading, key) ? "" : "is-bare"}`}
            aria-hidden="true"
          />
          {name}
        </button>
        <span class={`chip findings-status is-${status}`}>{t(status)}</span>
      </div>
      <ProbabilityBar finding={finding} rule={rule} />
      <Facts assessment={assessment} finding={finding} />
      {isSelected && reading.maps.value && !isOverlaid(reading, key) && (
        <p class="faint">{t("noEvidence")}</p>
      )}
      <Words reading={reading} findingKey={key} isDisputed={isDisputed(finding, words)} />
      {may("read") && <RowActions reading={reading} findingKey={key} name={name} />}
      <FindingForms
        reading={reading}
        assessment={assessment}
        at={at}
        finding={finding}
        name={name}
      />
    </li>
  );
}

/** Size, place and change, each a line. */
function Facts({ assessment, finding }: Pick<Props, "assessment" | "finding">) {
  const sizes = finding.quantities.map(sizeOf);
  if (finding.parts && finding.parts > 1) {
    sizes.push(t("parts", { count: finding.parts }));
  }
  const place = placeOf(finding, assessment.images.length);
  const change = changeOf(finding);
  if (sizes.length === 0 && !place && !change) return null;
  return (
    <ul class="findings-facts">
      {sizes.length > 0 && <li class="figures">{sizes.join(t("comma"))}</li>}
      {place && <li>{place}</li>}
      {change && (
        <li>
          <Icon name="chevron" /> <span class="faint">{t("prior")}:</span> {change}
        </li>
      )}
    </ul>
  );
}
