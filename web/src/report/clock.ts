/** A time of day with its seconds: when something was saved. */

import { lang } from "~/core/text/lang";

/** "14:05:12" of an ISO moment, "" of nothing. */
export function clock(iso: string): string {
  const date = new Date(iso);
  if (iso === "" || Number.isNaN(date.getTime())) return "";
  return new Intl.DateTimeFormat(lang.value === "zh" ? "zh-CN" : "en-GB", {
    timeStyle: "medium",
  }).format(date);
}
