/** Choices among the filters: what is advised, what it was made with, and when. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { ADVICES, type Advice, SPANS, type Span } from "~/core/filters";
import { number } from "~/core/text/format";
import { counts, filters, list, setFilters } from "./store";
import { t } from "./texts";

/** What studies are commonly made with (PS3.3 C.7.3.1.1.1); others that were met follow. */
const MODALITIES = ["CR", "CT", "DX", "MG", "MR", "NM", "PT", "US", "XA", "OT"];

const SEVERAL = "several";

/** One kind of advice; several where keys or an address say so. */
export function AdviceChoice() {
  const { advice } = filters.value;
  const known = counts.value;
  const textOf = (each: Advice) => {
    const count = known?.advices[each] ?? 0;
    return count > 0 ? t("counted", { name: t(each), count: number(count) }) : t(each);
  };
  return (
    <label class="worklist-choice worklist-advice">
      <span class="unseen">{t("advice")}</span>
      <select
        value={advice.length > 1 ? SEVERAL : (advice[0] ?? "")}
        onChange={({ currentTarget: { value } }) =>
          setFilters({ advice: ADVICES.filter((each) => each === value) })
        }
      >
        <option value="">{t("anyAdvice")}</option>
        {ADVICES.map((each) => (
          <option key={each} value={each}>
            {textOf(each)}
          </option>
        ))}
        {advice.length > 1 && (
          <option value={SEVERAL}>{t("severalAdvice", { count: advice.length })}</option>
        )}
      </select>
    </label>
  );
}

/** One modality. */
export function ModalityChoice() {
  const { modality } = filters.value;
  const met = list.lines.value.studies.flatMap((each) => each.modalities);
  const others = [...new Set([...met, modality])].filter(
    (each) => each && !MODALITIES.includes(each),
  );
  return (
    <label class="worklist-choice">
      <span class="unseen">{t("modality")}</span>
      <select
        value={modality}
        onChange={(event) => setFilters({ modality: event.currentTarget.value })}
      >
        <option value="">{t("anyModality")}</option>
        {[...MODALITIES, ...others.sort()].map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}

const OWN = "own";

/** A span that ends today, or days of one's own. */
export function DateChoice() {
  const { days, from, to } = filters.value;
  const isAsked = useMemo(() => signal(false), []);
  const isOwn = from !== "" || to !== "" || isAsked.value;
  const choose = (value: string) => {
    isAsked.value = value === OWN;
    setFilters({
      days: value === OWN ? 0 : (Number(value) as Span),
      from: value === OWN ? from : "",
      to: value === OWN ? to : "",
    });
  };
  return (
    <>
      <label class="worklist-choice">
        <span class="unseen">{t("dates")}</span>
        <select
          value={isOwn ? OWN : String(days)}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {SPANS.map((each) => (
            <option key={each} value={String(each)}>
              {t(`days${each}`)}
            </option>
          ))}
          <option value={OWN}>{t("own")}</option>
        </select>
      </label>
      {isOwn && (
        <>
          <DayField
            text={t("from")}
            value={from}
            set={(day) => setFilters({ from: day })}
          />
          <DayField text={t("to")} value={to} set={(day) => setFilters({ to: day })} />
        </>
      )}
    </>
  );
}

interface DayProps {
  readonly text: string;
  readonly value: string;
  readonly set: (day: string) => void;
}

function DayField({ text, value, set }: DayProps) {
  return (
    <label class="worklist-day">
      {text}{" "}
      <input
        type="date"
        value={value}
        onChange={(event) => set(event.currentTarget.value)}
      />
    </label>
  );
}
