/** Small parts that the pages of models share. */

import type { ComponentChildren } from "preact";

/** A wide table that scrolls by itself; keys can reach it (WCAG 2.1.1). */
export function Scroll({
  name,
  children,
}: {
  name: string;
  children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus.
    <section class="models-scroll" tabIndex={0} aria-label={name}>
      {children}
    </section>
  );
}

/** One of a few, as chips. */
export function Picks<T extends string>({
  name,
  of,
  text,
  picked,
  onPick,
}: {
  name: string;
  of: readonly T[];
  text: (each: T) => string;
  picked: T;
  onPick: (each: T) => void;
}) {
  if (of.length < 2) return null;
  return (
    <fieldset class="models-picks">
      <legend class="unseen">{name}</legend>
      {of.map((each) => (
        <button
          key={each}
          type="button"
          class="chip"
          aria-pressed={each === picked}
          onClick={() => onPick(each)}
        >
          {text(each)}
        </button>
      ))}
    </fieldset>
  );
}

/** A part of a page with its heading. */
export function Panel({
  title,
  note,
  tools,
  children,
  id,
}: {
  title: string;
  note?: string | undefined;
  tools?: ComponentChildren;
  children: ComponentChildren;
  id?: string;
}) {
  return (
    <section class="panel models-panel" {...(id ? { id } : {})}>
      <header class="models-panel-head">
        <h2>{title}</h2>
        {tools}
      </header>
      {note && <p class="faint">{note}</p>}
      {children}
    </section>
  );
}

/** Names with what they say, in two columns. */
export function Facts({
  of,
}: {
  of: readonly (readonly [name: string, value: ComponentChildren])[];
}) {
  return (
    <dl class="models-facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
