/** A finding that a reader added. */

import { useEffect, useRef } from "preact/hooks";
import { may } from "~/core/session";
import { Icon } from "~/shell/icon";
import type { Reading } from "./reading";
import { sayOf } from "./say";
import { t } from "./texts";
import type { Added } from "./verdicts";
import { nameOf } from "./words";
import { Words } from "./words_list";

/** Its label and place; whoever does not agree rejects it, and it stays in the list. */
export function AddedRow({ reading, added }: { reading: Reading; added: Added }) {
  const name = nameOf(reading.result.value, added.newest.label);
  const isSelected = reading.selected.value === added.key;
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isSelected) row.current?.scrollIntoView({ block: "nearest" });
  }, [isSelected]);
  const isOnItsWay = added.newest.at === "";
  return (
    <li
      ref={row}
      class={`findings-row ${isSelected ? "is-selected" : ""}`}
      data-finding={added.key}
    >
      <div class="findings-row-head">
        <button
          type="button"
          class="findings-name"
          aria-current={isSelected ? "true" : undefined}
          onClick={() => reading.select(added.key)}
        >
          <span
            class={`findings-swatch findings-colour-${added.newest.id % 8}`}
            aria-hidden="true"
          />
          {name}
        </button>
        <span class={`chip findings-status is-${added.isThere ? "present" : "absent"}`}>
          {t(added.isThere ? "present" : "said_reject")}
        </span>
      </div>
      <Words reading={reading} findingKey={added.key} isDisputed={false} />
      {may("read") && !isOnItsWay && (
        <div class="findings-actions">
          {(["accept", "reject"] as const).map((verdict) => (
            <button
              key={verdict}
              type="button"
              class="button button-small"
              aria-label={`${t(verdict)}: ${name}`}
              onClick={() => sayOf(reading, added.key, verdict)}
            >
              <Icon name={verdict === "accept" ? "check" : "close"} /> {t(verdict)}
            </button>
          ))}
        </div>
      )}
    </li>
  );
}
