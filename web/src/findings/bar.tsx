/** A calibrated probability as a bar, with the operating point as a tick on it. */

import type { Finding } from "./diagnosis";
import { t } from "./texts";
import { shareOf } from "./words";

interface Props {
  readonly finding: Finding;
  /** The rule of the operating point in words. */
  readonly rule: string;
}

/** The bar and its figures in words; nothing for masks, which have no probability. */
export function ProbabilityBar({ finding, rule }: Props) {
  const { probability, threshold } = finding;
  if (probability === null) return null;
  return (
    <div class="findings-probability">
      <svg
        class="findings-bar"
        viewBox="0 0 100 10"
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <rect class="findings-bar-ground" width="100" height="10" />
        <rect
          class={`findings-bar-value ${finding.is_present ? "is-above" : ""}`}
          width={100 * probability}
          height="10"
        />
        {threshold !== null && (
          <line
            class="findings-bar-tick"
            x1={100 * threshold}
            x2={100 * threshold}
            y1="0"
            y2="10"
          />
        )}
      </svg>
      <strong class="figures findings-value">
        <span class="unseen">{t("probability", { value: "" })}</span>
        {shareOf(probability, threshold)}
      </strong>
      {threshold !== null && (
        <span class="findings-rule faint">
          {t("operatingPoint", { value: shareOf(threshold, probability) })}
          {rule && ` · ${rule}`}
        </span>
      )}
    </div>
  );
}
