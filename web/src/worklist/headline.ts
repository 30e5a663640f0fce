/** What a line says in words: what was found, how urgent it is and why. */

import type { Advice } from "~/core/filters";
import { number, percent } from "~/core/text/format";
import { lang } from "~/core/text/lang";
import type { Study } from "./rows";
import { t } from "./texts";

type Headline = NonNullable<Study["headline"]>;
type Why = Headline["why"][number];

/** How a line looks and what it means, never by colour alone. */
export type Tone = "bad" | "warn" | "plain" | "good" | "faint";

const TIER = 10; // docs/jobs.md: tiers of ten, and a product of at most ten
const TONES: Readonly<Record<Advice, Tone>> = {
  refer: "bad",
  outside: "warn",
  unsure: "warn",
  not_assessable: "plain",
  measured: "plain",
  nothing_found: "good",
};

/** One thing that a line says of its result. */
export interface Said {
  readonly text: string;
  readonly tone: Tone;
}

/** A finding's name in the language of the page. */
export function nameOf(why: Why): string {
  const name = (lang.value === "zh" ? why.name_zh : why.name_en) || why.label;
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** "Pneumonia 93.1 %"; of a mask, which has no probability, its name. */
export function findingText(why: Why): string {
  if (why.probability === null) return nameOf(why);
  return t("finding", { name: nameOf(why), probability: percent(why.probability) });
}

/**
 * What was found, or why there is nothing to say yet.
 *
 * @param share 0..1 of an answer that is being made, undefined where nobody told.
 */
export function found(study: Study, share?: number): readonly Said[] {
  if (study.state === "refused" || study.state === "failed") {
    return [{ text: reasonIn(study) || t(study.state), tone: "warn" }];
  }
  const { headline } = study;
  const wait: Said = { text: waitText(study, share), tone: "faint" };
  if (!headline) return [wait];
  // What was said of fewer images, or under other rules, is no answer to what is here now.
  const isOld = study.state !== "answered";
  return isOld ? [...resultOf(headline), wait] : resultOf(headline);
}

/** The first of the reasons, without the place in the study that it is of. */
function reasonIn(study: Study): string {
  const [first = ""] = study.reason.split("\n");
  const text = first.replace(/^(series|image) \d+(\/image \d+)?: /, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function resultOf(headline: Headline): readonly Said[] {
  const tone = TONES[headline.advice];
  const findings = headline.why.map((why) => ({ text: findingText(why), tone }));
  // "Outside" stands before any number, and has none behind it (docs/jobs.md).
  if (headline.advice === "refer" && findings.length > 0) return findings;
  return [{ text: t(headline.advice), tone }, ...findings];
}

function waitText(study: Study, share?: number): string {
  if (study.state === "receiving") {
    return t(study.headline ? "isReceivingMore" : "isReceiving");
  }
  if (study.state === "running" && share) {
    return t("isRunningAt", { percent: percent(share, 0) });
  }
  return study.state === "running" ? t("isRunning") : t("isReady");
}

/** Which tier of urgency a study is in: 0, 10, 20 or 30. */
export function tierOf(urgency: number): number {
  return Math.min(30, TIER * Math.floor(urgency / TIER));
}

/** The word and the figure that stand for a study's urgency. */
export function urgencyOf(study: Study): {
  readonly word: string;
  readonly figure: string;
  readonly product: string;
  readonly tier: number;
} {
  const first = study.headline?.why[0];
  const tier = study.headline ? tierOf(study.urgency) : 0;
  const words = [t("wNothing"), t("wNone"), t("wOpen"), t("wRefer")];
  return {
    word: words[tier / TIER] ?? t("wNothing"),
    figure: first ? number(first.urgency, 2) : "",
    product: first ? productOf(first) : "",
    tier,
  };
}

/** "0.93 × 8". */
export function productOf(why: Why): string {
  return t("product", {
    probability: shareText(why.probability ?? 1),
    weight: weightText(why.weight),
  });
}

/** A probability with two decimals, that never rounds to certainty. */
function shareText(share: number): string {
  if (share < 1 && share > 0.99) return `> ${number(0.99, 2)}`;
  return number(share, 2);
}

/** A weight with the decimals that it has: "8", "2.5". */
function weightText(weight: number): string {
  return String(Number(weight.toFixed(2)));
}

/** How a study's urgency is made, in one sentence; "" before there is an answer. */
export function sumOf(study: Study): string {
  const { headline } = study;
  if (!headline) return "";
  const tier = tierOf(study.urgency);
  const urgency = number(study.urgency, 2);
  const reason = reasonOf(tier, headline.advice);
  const first = headline.why[0];
  if (!first) return t("sumTier", { urgency, reason });
  const words = { urgency, tier, reason, name: nameOf(first) };
  return first.probability === null
    ? t("sumMask", { ...words, weight: weightText(first.weight) })
    : t("sum", { ...words, product: productOf(first) });
}

/** A tier in words; the advice may be one that a weight of 0 took out of the order. */
function reasonOf(tier: number, advice: Advice): string {
  if (tier === 30) return t("refer");
  if (tier === 20) return t(advice === "outside" ? "outside" : "unsure");
  if (tier === 10) return t("not_assessable");
  return t(advice === "measured" ? "measured" : "nothing_found");
}
