/** Search, order and filters above the list. */

import { signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { countFilters, ORDERS, READINGS, STATES, toggled } from "~/core/filters";
import { may } from "~/core/session";
import { number } from "~/core/text/format";
import { Icon } from "~/shell/icon";
import { Choose } from "~/shell/upload/drop";
import { isHowOpen } from "./actions";
import { AdviceChoice, DateChoice, ModalityChoice } from "./choices";
import { clearFilters, toggleDensity } from "./commands";
import { counts, density, filters, setFilters } from "./store";
import { t } from "./texts";

const PAUSE_MS = 300;

/** The bar; on narrow screens the filters are behind a button. */
export function Bar({ search }: { search: RefObject<HTMLInputElement | null> }) {
  const isOpen = useMemo(() => signal(false), []);
  const narrowed = countFilters(filters.value);
  return (
    <div class="worklist-bar">
      <div class="worklist-row">
        <Search input={search} />
        <OrderChoice />
        <button
          type="button"
          class="button worklist-filters-button"
          aria-expanded={isOpen.value}
          aria-controls="worklist-filters"
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          <Icon name="filter" /> {t("filters")}
          {narrowed > 0 && ` (${narrowed})`}
        </button>
        <button
          type="button"
          class="icon-button worklist-density"
          aria-label={density.value === "compact" ? t("comfortable") : t("compact")}
          title={density.value === "compact" ? t("comfortable") : t("compact")}
          onClick={toggleDensity}
        >
          <Icon name={density.value === "compact" ? "menu" : "rows"} />
        </button>
        {narrowed > 0 && (
          <button type="button" class="button" onClick={clearFilters}>
            <Icon name="close" /> {t("clear")}
          </button>
        )}
        {may("upload") && <Choose />}
      </div>
      <div
        id="worklist-filters"
        class={isOpen.value ? "worklist-row worklist-open" : "worklist-row worklist-shut"}
      >
        <LookChip />
        <AdviceChoice />
        <Chips />
        <ModalityChoice />
        <DateChoice />
      </div>
    </div>
  );
}

function Search({ input }: { input: RefObject<HTMLInputElement | null> }) {
  const typed = useMemo(() => signal(filters.peek().text), []);
  const text = filters.value.text;
  useEffect(() => {
    typed.value = text; // Back, a cleared filter
  }, [text]);
  useEffect(() => {
    if (typed.value === text) return;
    const timer = setTimeout(
      () => setFilters({ text: typed.value }, { replace: true }),
      PAUSE_MS,
    );
    return () => clearTimeout(timer);
  }, [typed.value, text]);
  return (
    <label class="worklist-search">
      <Icon name="search" />
      <span class="unseen">{t("search")}</span>
      <input
        ref={input}
        type="search"
        placeholder={t("searchHint")}
        maxLength={64}
        autocomplete="off"
        spellcheck={false}
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape" || event.key === "Enter") event.currentTarget.blur();
        }}
      />
    </label>
  );
}

function OrderChoice() {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset has no place in a row of buttons.
    <div class="worklist-order" role="group" aria-label={t("order")}>
      {ORDERS.map((order) => (
        <button
          key={order}
          type="button"
          class="button"
          aria-pressed={filters.value.order === order}
          onClick={() => setFilters({ order })}
        >
          {t(order)}
        </button>
      ))}
      <button
        type="button"
        class="icon-button"
        aria-label={t("howOrder")}
        title={t("howOrder")}
        onClick={() => {
          isHowOpen.value = true;
        }}
      >
        <Icon name="help" />
      </button>
    </div>
  );
}

interface ChipProps {
  readonly text: string;
  readonly title?: string;
  readonly count?: number | undefined;
  readonly isOn: boolean;
  readonly onClick: () => void;
}

function Chip({ text, title, count = 0, isOn, onClick }: ChipProps) {
  return (
    <button
      type="button"
      class="chip"
      title={title}
      aria-pressed={isOn}
      onClick={onClick}
    >
      {text}
      {count > 0 && <span class="worklist-count figures">{number(count)}</span>}
    </button>
  );
}

/** What a reader asks for most, by one touch; the choice beside it has all the others. */
function LookChip() {
  const { advice } = filters.value;
  return (
    <Chip
      text={t("wRefer")}
      title={t("refer")}
      count={counts.value?.advices.refer}
      isOn={advice.includes("refer")}
      onClick={() => setFilters({ advice: toggled(advice, "refer") })}
    />
  );
}

function Chips() {
  const now = filters.value;
  const known = counts.value;
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: as above. */}
      <div class="worklist-chips" role="group" aria-label={t("reading")}>
        {READINGS.map((each) => (
          <Chip
            key={each}
            text={t(each)}
            count={known?.readings[each]}
            isOn={now.reading.includes(each)}
            onClick={() => setFilters({ reading: toggled(now.reading, each) })}
          />
        ))}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: as above. */}
      <div class="worklist-chips" role="group" aria-label={t("state")}>
        {STATES.map((each) => (
          <Chip
            key={each}
            text={t(each)}
            count={known?.states[each]}
            isOn={now.state.includes(each)}
            onClick={() => setFilters({ state: toggled(now.state, each) })}
          />
        ))}
      </div>
    </>
  );
}
