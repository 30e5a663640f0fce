/** What is known of the selected study, and what can be done with it. */

import { run } from "~/core/keys/commands";
import { may } from "~/core/session";
import { moment, personName } from "~/core/text/format";
import { Dialog } from "~/shell/dialog";
import { Icon } from "~/shell/icon";
import { Link } from "~/shell/link";
import { addressOfStudy, isHowOpen, remove, removing } from "./actions";
import { sumOf } from "./headline";
import type { Study } from "./rows";
import { selected } from "./store";
import { t } from "./texts";

/** The strip below the list; nothing where no study is selected. */
export function Detail() {
  const study = selected.value;
  if (!study) return null;
  const words = [
    study.accession_number && t("accession", { number: study.accession_number }),
    t("received", { moment: moment(study.last_at) }),
  ].filter(Boolean);
  const sum = sumOf(study);
  return (
    <section class="worklist-detail" aria-label={t("selected")}>
      <div class="worklist-detail-text">
        <p>
          <strong>
            <bdi>{personName(study.patient.name) || t("noName")}</bdi>
          </strong>
          {study.headline && study.headline.assessments > 1 && (
            <span class="faint">
              {" · "}
              {t("models", { count: study.headline.assessments })}
            </span>
          )}
          <span class="faint"> · {words.join(" · ")}</span>
        </p>
        {sum && <p class="worklist-why">{sum}</p>}
        {study.reason && <Reasons of={study} />}
      </div>
      <div class="worklist-deeds">
        <Link to={addressOfStudy(study)} class="button button-main">
          {t("open")}
        </Link>
        <a
          class="icon-button"
          href={addressOfStudy(study)}
          target="_blank"
          rel="noopener"
          aria-label={t("openTab")}
          title={t("openTab")}
        >
          <Icon name="link" />
        </a>
        {may("read") && (
          <button type="button" class="button" onClick={() => run("worklist.answer")}>
            <Icon name="refresh" /> {study.headline ? t("answerAgain") : t("answerNow")}
          </button>
        )}
        {may("administer") && (
          <button
            type="button"
            class="button button-danger"
            onClick={() => run("worklist.remove")}
          >
            <Icon name="trash" /> {t("remove")}
          </button>
        )}
      </div>
    </section>
  );
}

/** Why it was not answered, or what of it was not: a line each, as the service says it. */
function Reasons({ of }: { of: Study }) {
  const lines = of.reason.split("\n");
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
    <ul class="worklist-reasons" lang="en" aria-label={t("reasons")} tabIndex={0}>
      {lines.map((each) => (
        <li key={each}>
          <bdi>{each}</bdi>
        </li>
      ))}
    </ul>
  );
}

/** Asks before a study is removed, and names what goes. */
export function RemoveDialog() {
  const study = removing.value;
  if (!study) return null;
  const close = () => {
    removing.value = null;
  };
  return (
    <Dialog
      title={t("removeTitle")}
      onClose={close}
      actions={
        <>
          <button type="button" class="button" onClick={close}>
            {t("keep")}
          </button>
          <button
            type="button"
            class="button button-danger"
            onClick={() => {
              close();
              void remove(study);
            }}
          >
            <Icon name="trash" /> {t("removeNow")}
          </button>
        </>
      }
    >
      <p>{t("removeText", goingOf(study))}</p>
    </Dialog>
  );
}

function goingOf(study: Study): Record<string, string> {
  const images = study.instance_count;
  const series = study.series_count;
  const patient = [personName(study.patient.name), study.patient.id].filter(Boolean);
  return {
    images: images === 1 ? t("images1") : t("images", { count: images }),
    series: series === 1 ? t("series1") : t("series", { count: series }),
    patient: isolated(patient.join(", ")) || t("noName"),
    description: isolated(study.description) || t("noDescription"),
  };
}

/** A text of any direction that turns nothing around it (Unicode's FSI and PDI). */
function isolated(text: string): string {
  return text && `\u2068${text}\u2069`;
}

/** Says how urgency is made. */
export function HowDialog() {
  if (!isHowOpen.value) return null;
  return (
    <Dialog
      title={t("howTitle")}
      onClose={() => {
        isHowOpen.value = false;
      }}
    >
      <div class="worklist-how">
        <p>{t("how1")}</p>
        <p>{t("how2")}</p>
        <ul>
          {(["tier30", "tier20", "tier10", "tier0"] as const).map((each) => (
            <li key={each}>{t(each)}</li>
          ))}
        </ul>
        <p>{t("how3")}</p>
      </div>
    </Dialog>
  );
}
