/** Which label it is: one of the bundle's, or words of the reader's own. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { lang } from "~/core/text/lang";
import { t } from "./texts";

interface Props {
  readonly value: Signal<string>;
  readonly labels: readonly string[];
  readonly nameOf: (label: string) => { en: string; zh: string } | undefined;
}

const OTHER = "\u0000other";
const LONGEST = 64; // as the service takes a text

/** A list of the bundle's labels, with a field where none of them fits. */
export function LabelField({ value, labels, nameOf }: Props) {
  const isListed = value.value === "" || labels.includes(value.value);
  const isFree = useSignal(!isListed);
  const list = useRef<HTMLSelectElement>(null);
  const id = useId();
  useEffect(() => list.current?.focus(), []);
  const choose = (chosen: string) => {
    isFree.value = chosen === OTHER;
    value.value = chosen === OTHER ? "" : chosen;
  };
  return (
    <div class="findings-label">
      <div class="field">
        <label for={id}>{t("label")}</label>
        <select
          id={id}
          ref={list}
          value={isFree.value ? OTHER : value.value}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {value.value === "" && !isFree.value && <option value="">–</option>}
          {labels.map((label) => (
            <option key={label} value={label}>
              {nameOf(label)?.[lang.value] ?? label}
            </option>
          ))}
          <option value={OTHER}>{t("labelOther")}</option>
        </select>
      </div>
      {isFree.value && (
        <div class="field">
          <label for={`${id}-free`}>{t("labelFree")}</label>
          <input
            id={`${id}-free`}
            maxLength={LONGEST}
            value={value.value}
            onInput={(event) => {
              value.value = event.currentTarget.value;
            }}
          />
        </div>
      )}
    </div>
  );
}
