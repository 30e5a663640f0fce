/** What was tried: a small picture, its names, and the way to the study. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { components } from "~/core/api/schema";
import { Link } from "~/shell/link";
import { t } from "./texts";
import { fileNames } from "./tried";

type Study = components["schemas"]["WholeStudy"];

/** The head of an answer. */
export function Head({ study }: { study: Study }) {
  const isBroken = useMemo(() => signal(false), []);
  const images = study.series.filter((each) => !each.is_own);
  const count = images.reduce((sum, each) => sum + each.instance_count, 0);
  const modality =
    [...new Set(images.map((each) => each.modality))].join(" ") || t("noModality");
  return (
    <header class="trial-head">
      {!isBroken.value && (
        <img
          class="trial-picture"
          src={pictureOf(study)}
          alt={t("picture")}
          onError={() => {
            isBroken.value = true;
          }}
        />
      )}
      <div class="trial-words">
        <h3>{study.description || t("study", { number: study.id })}</h3>
        <FileName study={study.id} />
        <p class="faint">
          {count === 1 ? t("image", { modality }) : t("images", { modality, count })}
        </p>
        <Link to={`/studies/${study.id}`} class="button button-small">
          {t("open")}
        </Link>
      </div>
    </header>
  );
}

function FileName({ study }: { study: number }) {
  const names = fileNames().value[study];
  if (!names) return null;
  return (
    <p class="trial-file">
      {names.others > 0
        ? t("files", { name: names.first, count: names.others })
        : names.first}
    </p>
  );
}

/** Of the images that came, and not of the pictures that were made of the result. */
function pictureOf(study: Study): string {
  const whole = `/dicom-web/studies/${study.study_uid}`;
  const series = study.series.find((each) => !each.is_own);
  return series ? `${whole}/series/${series.series_uid}/thumbnail` : `${whole}/thumbnail`;
}
