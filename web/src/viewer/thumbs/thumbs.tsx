/** The series of a study as small pictures; each opens in the active pane. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { seriesThumbnail } from "../load/address";
import { onceCalm } from "../load/calm";
import { hasImages, type SeriesLine, shownSeries, type WholeStudy } from "../load/study";
import { type Desk, openIn } from "../stack/desk";
import { t } from "../texts";

/** A column of series: of the study, and of a prior one beside it. */
export function Thumbs({ desk }: { desk: Desk }) {
  const [study, prior] = [desk.study.value, desk.prior.value];
  return (
    <nav class="viewer-thumbs" aria-label={t("series")}>
      {study && <Group desk={desk} study={study} />}
      {prior && (
        <>
          <h3>{t("prior")}</h3>
          <Group desk={desk} study={prior} />
        </>
      )}
    </nav>
  );
}

function Group({ desk, study }: { desk: Desk; study: WholeStudy }) {
  return (
    <ul>
      {shownSeries(study).map((series) => (
        <li key={series.id}>
          <Thumb desk={desk} study={study} series={series} />
        </li>
      ))}
    </ul>
  );
}

function Thumb({
  desk,
  study,
  series,
}: {
  desk: Desk;
  study: WholeStudy;
  series: SeriesLine;
}) {
  const isHere = desk.activePane.value.series.value?.id === series.id;
  const isElsewhere = desk.panes.value.some(
    (pane) => pane.series.value?.id === series.id,
  );
  const name = series.description || t("seriesN", { n: series.number ?? series.id });
  return (
    <button
      type="button"
      class={`viewer-thumb${isElsewhere ? " viewer-thumb-open" : ""}`}
      aria-current={isHere ? "true" : undefined}
      onClick={() => openIn(desk.activePane.peek(), study, series)}
    >
      <Small study={study} series={series} />
      <span class="viewer-thumb-text">
        <span class="viewer-thumb-name">{name}</span>
        <span class="viewer-thumb-kind">
          {series.modality}
          {hasImages(series) ? ` · ${countText(series.instance_count)}` : ""}
        </span>
        {series.is_own && <span class="viewer-thumb-own">{t("keyImages")}</span>}
      </span>
    </button>
  );
}

function Small({ study, series }: { study: WholeStudy; series: SeriesLine }) {
  // A small picture that did not come says nothing of the series.
  const isBroken = useMemo(() => signal(false), [series.id]);
  const isDue = useMemo(() => signal(false), []);
  // The image that is read comes before small ones.
  useEffect(
    () =>
      onceCalm(() => {
        isDue.value = true;
      }),
    [],
  );
  if (!hasImages(series)) {
    return <span class="viewer-thumb-none">{t("noPictures")}</span>;
  }
  if (isBroken.value || !isDue.value) return <span class="viewer-thumb-none" />;
  return (
    <img
      src={seriesThumbnail(study.study_uid, series.series_uid)}
      alt=""
      width={88}
      height={88}
      loading="lazy"
      decoding="async"
      onError={() => {
        isBroken.value = true;
      }}
    />
  );
}

function countText(n: number): string {
  return n === 1 ? t("oneImage") : t("imageCount", { n });
}
