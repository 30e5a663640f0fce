/** One study of the list. */
// biome-ignore-all lint/a11y/useSemanticElements: a table's elements cannot be placed line by line.
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus and names the line (aria-activedescendant).

import { ageAt, day, percent, personName } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Link } from "~/shell/link";
import { addressOfStudy, open } from "./actions";
import { since } from "./clock";
import { found, type Said, urgencyOf } from "./headline";
import type { Study } from "./rows";
import { list, select } from "./store";
import { t } from "./texts";

interface Props {
  readonly study: Study;
  /** Place in the list, from 0. */
  readonly at: number;
  readonly top: number;
  readonly isSelected: boolean;
}

/** DOM id of a line, for `aria-activedescendant`. */
export function lineId(study: number): string {
  return `worklist-line-${study}`;
}

/** A line at its place. */
export function Line({ study, at, top, isSelected }: Props) {
  const isRead = study.reading === "signed";
  const classes = [
    "worklist-line",
    isRead ? "worklist-read" : "",
    list.fresh.value.includes(study.id) ? "worklist-fresh" : "",
    list.left.value.has(study.id) ? "worklist-left" : "",
  ];
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: keys go to the grid (commands.ts).
    <div
      class={classes.filter(Boolean).join(" ")}
      role="row"
      id={lineId(study.id)}
      aria-rowindex={at + 2}
      aria-selected={isSelected}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => select(study.id)}
      onDblClick={() => open(study)}
    >
      <Urgency study={study} />
      <Patient study={study} />
      <When study={study} />
      <What study={study} />
      <Found study={study} />
      <State study={study} />
    </div>
  );
}

function Urgency({ study }: { study: Study }) {
  const { word, figure, product, tier } = urgencyOf(study);
  return (
    <div role="gridcell" class="worklist-urgency">
      <span class={`worklist-tier worklist-tier-${tier}`} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span class="worklist-two">
        <span>
          {word}
          {figure && <strong class="figures"> {figure}</strong>}
        </span>
        {product && <span class="worklist-second figures">{product}</span>}
      </span>
    </div>
  );
}

function Patient({ study }: { study: Study }) {
  const { patient } = study;
  const age = ageAt(patient.birth_date, study.study_date);
  const second = [
    patient.id || t("noNumber"),
    patient.sex,
    age && t("years", { age }),
  ].filter(Boolean);
  const name = personName(patient.name) || t("noName");
  return (
    <div role="gridcell" class="worklist-patient worklist-two" title={name}>
      <Link to={addressOfStudy(study)} class="worklist-name" tabIndex={-1}>
        <bdi class="worklist-cut">{name}</bdi>
      </Link>
      <span class="worklist-second">
        <bdi>{second[0]}</bdi>
        {second.slice(1).map((each) => ` · ${each}`)}
      </span>
    </div>
  );
}

/** By the clock at the device, to the minute. */
function When({ study }: { study: Study }) {
  const made = [day(study.study_date), study.study_time?.slice(0, 5)].filter(Boolean);
  return (
    <div role="gridcell" class="worklist-when worklist-two">
      <span class="figures">{study.study_date ? made.join(" ") : t("noDate")}</span>
      <span class="worklist-second">{t("came", { ago: since(study.last_at) })}</span>
    </div>
  );
}

/** Modalities of results, which stand beside those of the images. */
const OF_RESULTS = ["SR", "PR", "SEG", "KO", "OT"];

function imagesOf({ modalities, result_id }: Study): readonly string[] {
  if (result_id === null) return modalities;
  const images = modalities.filter((each) => !OF_RESULTS.includes(each));
  return images.length > 0 ? images : modalities;
}

/** Once there is a result its own objects count with the images. */
function countText({ instance_count: count, result_id }: Study): string {
  if (result_id !== null && count > 1) return t("objects", { count });
  return count === 1 ? t("images1") : t("images", { count });
}

function What({ study }: { study: Study }) {
  const second = [imagesOf(study).join(" "), countText(study), study.site].filter(
    Boolean,
  );
  return (
    <div role="gridcell" class="worklist-what worklist-two">
      <span class={study.description ? "" : "faint"} title={study.description}>
        <bdi class="worklist-cut">{study.description || t("noDescription")}</bdi>
      </span>
      <span class="worklist-second">{second.join(" · ")}</span>
    </div>
  );
}

function Found({ study }: { study: Study }) {
  const said = found(study, list.progress.value.get(study.id));
  return (
    <div role="gridcell" class="worklist-found">
      {said.map((each) => (
        <Saying key={each.text} said={each} />
      ))}
    </div>
  );
}

function Saying({ said }: { said: Said }) {
  return (
    <span class={`worklist-said worklist-said-${said.tone}`} title={said.text}>
      {said.tone === "warn" && <Icon name="alert" />}
      <bdi>{said.text}</bdi>
    </span>
  );
}

function State({ study }: { study: Study }) {
  const share = list.progress.value.get(study.id);
  return (
    <div role="gridcell" class="worklist-state worklist-two">
      <span class={`worklist-word worklist-${study.state}`}>
        {t(study.state)}
        {study.state === "running" && share !== undefined && (
          <span class="figures"> {percent(share, 0)}</span>
        )}
      </span>
      {study.reading === "unread" && study.read_at && (
        <span class="worklist-second worklist-begun" title={t("reopenedWhy")}>
          <Icon name="alert" /> {t("reopened")}
        </span>
      )}
      {list.left.value.has(study.id) && <span class="worklist-second">{t("left")}</span>}
      {study.reading !== "unread" && (
        <span class={`worklist-second worklist-${study.reading}`}>
          <Icon name={study.reading === "signed" ? "check" : "edit"} />
          {study.reading === "signed" && study.read_at
            ? t("signedAt", { ago: since(study.read_at) })
            : t(study.reading)}
        </span>
      )}
    </div>
  );
}
