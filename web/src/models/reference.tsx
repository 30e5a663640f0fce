/** Starting a new reference for drift, where something was changed on purpose. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import { may } from "~/core/session";
import { toastDone } from "~/shell/toast";
import { once } from "./asked";
import { Confirm } from "./roles";
import { tl } from "./texts_living";

/** A button with its dialog; nothing where the bundle never answered. */
export function NewReference({
  bundle,
  sites,
}: {
  bundle: string;
  sites: readonly string[];
}) {
  const isOpen = useMemo(() => signal(false), []);
  if (!may("administer") || sites.length === 0) return null;
  return (
    <>
      <button
        type="button"
        class="button button-small"
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {tl("newReference")}
      </button>
      {isOpen.value && (
        <Ask
          bundle={bundle}
          sites={sites}
          onClose={() => {
            isOpen.value = false;
          }}
        />
      )}
    </>
  );
}

function Ask({
  bundle,
  sites,
  onClose,
}: {
  bundle: string;
  sites: readonly string[];
  onClose: () => void;
}) {
  const site = useMemo(() => signal(sites[0] ?? ""), []);
  const reason = useMemo(() => signal(""), []);
  const deed = async () => {
    const body = { bundle, site: site.value, reason: reason.value.trim() };
    await ok(api.POST("/api/v1/monitor/baselines", { params: { header: once() }, body }));
    toastDone(tl("referenceDone"));
  };
  return (
    <Confirm title={tl("newReference")} onClose={onClose} deed={deed}>
      <p>{tl("newReferenceHint")}</p>
      <label class="field">
        <span>{tl("site")}</span>
        <select
          value={site.value}
          onChange={(event) => {
            site.value = event.currentTarget.value;
          }}
        >
          {sites.map((each) => (
            <option key={each} value={each}>
              {each || tl("unnamedSite")}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{tl("reason")}</span>
        <input
          type="text"
          maxLength={500}
          required
          value={reason.value}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
    </Confirm>
  );
}
