/** English and Chinese: every room has a table of texts, both languages complete. */

import { effect } from "@preact/signals";
import { oneOf, preference } from "~/core/prefs";

export const LANGS = ["en", "zh"] as const;
export type Lang = (typeof LANGS)[number];

/** The language of the page. */
export const lang = preference<Lang>("lang", browserLang(), oneOf(...LANGS));

effect(() => {
  if (typeof document !== "undefined") {
    document.documentElement.lang = lang.value === "zh" ? "zh-CN" : "en";
  }
});

function browserLang(): Lang {
  const wanted = globalThis.navigator?.languages ?? [];
  const first = wanted.find((each) => /^(en|zh)\b/i.test(each)) ?? "en";
  return first.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** What stands in a text's braces. */
export type Params = Readonly<Record<string, string | number>>;

/**
 * A room's texts: `const t = texts({ en: { hello: "Hello, {name}" }, zh: { … } })`, then
 * `t("hello", { name })`. Read inside a component, it follows the language.
 *
 * Chinese must have the keys of English, which the compiler holds.
 */
export function texts<K extends string>(table: {
  readonly en: Readonly<Record<K, string>>;
  readonly zh: Readonly<Record<NoInfer<K>, string>>;
}): (key: K, params?: Params) => string {
  return (key, params = {}) => fill(table[lang.value][key], params);
}

/** A text with its braces filled; a name that is not given stays as it is. */
export function fill(text: string, params: Params): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in params ? String(params[name]) : whole,
  );
}
