/** How an upload goes, and what became of each file. */

import { away } from "~/core/session";
import { bytes } from "~/core/text/format";
import type { Item } from "~/core/upload/queue";
import { Icon } from "~/shell/icon";
import { t } from "./texts";
import { tallyOf, tallyText, uploads } from "./uploads";
import "./upload.css";

/** Files that are listed; of a folder of thousands nobody reads all. */
const LISTED = 100;

/** The upload, nothing where there is none. */
export function UploadProgress() {
  const items = uploads.items.value;
  if (items.length === 0) return null;
  const tally = tallyOf(items);
  return (
    <section class="upload" aria-label={t("uploads")}>
      <div class="upload-head">
        <strong>
          {uploads.isBusy.value
            ? t("going", {
                done: tally.done,
                all: tally.all,
                bytes: bytes(tally.bytes),
              })
            : tallyText(tally)}
        </strong>
        {uploads.isBusy.value ? (
          <button
            type="button"
            class="button button-small"
            onClick={() => uploads.cancel()}
          >
            {t("stop")}
          </button>
        ) : (
          <button
            type="button"
            class="button button-small"
            onClick={() => uploads.clear()}
          >
            {t("clear")}
          </button>
        )}
      </div>
      {uploads.isBusy.value && (
        <progress
          class="upload-bar"
          aria-label={t("uploads")}
          max={Math.max(1, tally.bytes)}
          value={tally.bytesDone}
        />
      )}
      {uploads.isStalled.value && (
        <p class="upload-stalled" role="status">
          <Icon name="alert" /> {t(away.value ? "loggedOut" : "stalled")}
        </p>
      )}
      <Files items={items} />
    </section>
  );
}

const NOT_TAKEN: ReadonlySet<string> = new Set(["refused", "unreadable"]);

/** What was not taken stands first: it is what one has to do something about. */
function Files({ items }: { items: readonly Item[] }) {
  const isBad = ({ outcome }: Item) =>
    outcome !== null && (NOT_TAKEN.has(outcome.kind) || outcome.reason !== "");
  const sorted = [...items.filter(isBad), ...items.filter((item) => !isBad(item))];
  const left = sorted.length - LISTED;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keys.
    <ul class="upload-files" tabIndex={0} aria-label={t("uploads")}>
      {sorted.slice(0, LISTED).map((item) => (
        <File key={item.id} item={item} />
      ))}
      {left > 0 && <li class="faint">{t("more", { count: left })}</li>}
    </ul>
  );
}

function File({ item }: { item: Item }) {
  const kind = item.outcome?.kind ?? item.state;
  const reason = reasonOf(item);
  return (
    <li class={`upload-file upload-${kind}`}>
      <span class="upload-name">{item.path}</span>
      <span class="faint figures">{bytes(item.size)}</span>
      <span class="upload-word">{wordOf(item)}</span>
      {reason && <span class="upload-reason">{reason}</span>}
    </li>
  );
}

function reasonOf({ outcome }: Item): string {
  if (outcome?.kind === "unreadable") return t("unreadableReason");
  if (!outcome?.reason || outcome.kind === "refused") return outcome?.reason ?? "";
  return t("partly", { reason: outcome.reason });
}

function wordOf(item: Item): string {
  if (item.outcome) return t(item.outcome.kind);
  if (item.state === "waiting") return t("waiting");
  // All of it has gone, and the service looks at it.
  if (item.share >= 1) return t("checking");
  return t("sending", { share: Math.floor(100 * item.share) });
}
