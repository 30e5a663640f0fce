/** Whose study it is, in the head of the panel. */

import { lastList } from "~/core/route";
import { ageAt, day, moment, personName } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Link } from "~/shell/link";
import { isPanelOpen, type Study } from "./opened";
import { t } from "./texts";

/** Name, number, age and sex, study and how far it is read. */
export function StudyHead({ study, onNext }: { study: Study; onNext: () => void }) {
  const { patient } = study;
  const age = ageAt(patient.birth_date, study.study_date);
  return (
    <header class="study-head">
      <div class="study-head-row">
        <Link
          to={lastList.value}
          class="study-back"
          aria-label={t("back")}
          title={t("back")}
        >
          <Icon name="chevron" />
        </Link>
        <h1 tabIndex={-1}>
          {personName(patient.name) || patient.id || `${t("study")} ${study.id}`}
        </h1>
        <button type="button" class="button button-small" onClick={onNext}>
          {t("next")} <Icon name="chevron" />
        </button>
        <PanelToggle />
      </div>
      <p class="study-head-line">
        {[patient.id, [patient.sex, age].filter(Boolean).join(" "), day(study.study_date)]
          .filter(Boolean)
          .join(" · ")}
      </p>
      <p class="study-head-line">
        <ReadChip study={study} />{" "}
        {[study.modalities.join(", "), study.description].filter(Boolean).join(" · ")}
      </p>
    </header>
  );
}

/** How far it is read; that something came after a signature is no plain "unread". */
function ReadChip({ study }: { study: Study }) {
  const isReopened = study.reading === "unread" && study.read_at !== null;
  if (!isReopened) {
    return (
      <span class={`chip ${study.reading === "signed" ? "chip-good" : ""}`}>
        {t(study.reading)}
      </span>
    );
  }
  return (
    <span class="chip chip-warn" title={t("reopenedAt", { time: moment(study.read_at) })}>
      <Icon name="alert" /> {t("reopened")}
    </span>
  );
}

/** Puts the panel away and brings it back: the image then has the whole width. */
export function PanelToggle() {
  const isOpen = isPanelOpen.value === "open";
  return (
    <button
      type="button"
      class={isOpen ? "icon-button study-toggle" : "icon-button study-toggle is-strip"}
      aria-expanded={isOpen}
      aria-controls="study-side"
      aria-label={t(isOpen ? "hidePanel" : "showPanel")}
      title={t(isOpen ? "hidePanel" : "showPanel")}
      onClick={togglePanel}
    >
      <Icon name="panel" />
    </button>
  );
}

/** Open or closed, the other one of both. */
export function togglePanel(): void {
  isPanelOpen.value = isPanelOpen.peek() === "open" ? "closed" : "open";
}
