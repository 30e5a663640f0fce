/** Three panels in one place, one seen at a time; all stay as they are. */

import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

/** One panel. */
export interface Tab<K extends string> {
  readonly key: K;
  readonly name: string;
  readonly panel: ComponentChildren;
}

interface Props<K extends string> {
  readonly label: string;
  readonly tabs: readonly Tab<K>[];
  readonly chosen: K;
  readonly onChoose: (key: K) => void;
}

/** Arrow keys walk through the tabs (ARIA authoring practices, tabs). */
export function Tabs<K extends string>({ label, tabs, chosen, onChoose }: Props<K>) {
  const list = useRef<HTMLDivElement>(null);
  const walk = (event: KeyboardEvent) => {
    const at = tabs.findIndex((each) => each.key === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = tabs.at(to % tabs.length);
    if (!next) return;
    onChoose(next.key);
    list.current?.querySelector<HTMLElement>(`#tab-${next.key}`)?.focus();
  };
  return (
    <>
      <div
        ref={list}
        class="study-tabs"
        role="tablist"
        aria-label={label}
        onKeyDown={walk}
      >
        {tabs.map((each) => (
          <button
            key={each.key}
            id={`tab-${each.key}`}
            type="button"
            role="tab"
            aria-selected={each.key === chosen}
            aria-controls={`panel-${each.key}`}
            tabIndex={each.key === chosen ? 0 : -1}
            onClick={() => onChoose(each.key)}
          >
            {each.name}
          </button>
        ))}
      </div>
      {tabs.map((each) => (
        <div
          key={each.key}
          id={`panel-${each.key}`}
          class="study-panel"
          role="tabpanel"
          aria-labelledby={`tab-${each.key}`}
          hidden={each.key !== chosen}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keys
          tabIndex={0}
        >
          <h2 class="unseen">{each.name}</h2>
          {each.panel}
        </div>
      ))}
    </>
  );
}
