/** Adding a bundle: its ZIP or its folder, and what it is to do. */

import { type Signal, signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { go } from "~/core/route";
import { toastDone, toastFailed } from "~/shell/toast";
import type { Bundle, BundleLine } from "./asked";
import { Drop } from "./drop";
import { type Progress, packAndSend } from "./packed";
import { Panel } from "./parts";
import { ProgressBar, useIsHere } from "./progress_bar";
import { t } from "./texts";
import type { Member } from "./zip";

interface Props {
  readonly actives: readonly BundleLine[];
  readonly onAdded: () => void;
}

/** The panel; when the bundle is there, its page opens. */
export function AddBundle({ actives, onAdded }: Props) {
  const role = useMemo(() => signal("retired"), []);
  const progress = useMemo(() => signal<Progress | null>(null), []);
  const abort = useMemo(() => signal<AbortController | null>(null), []);
  const isHere = useIsHere();
  const add = async (members: readonly Member[]) => {
    if (members.length === 0) return toastFailed(new Error(t("emptyDrop")));
    abort.value = new AbortController();
    try {
      const to = `/api/v1/bundles?${queryOf(role.value)}`;
      const { status, body } = await packAndSend<Bundle>(
        members,
        to,
        progress,
        abort.value.signal,
      );
      toastDone(t(status === 201 ? "added" : "known", { name: body.name }));
      if (!isHere.current) return;
      onAdded();
      go(`/models/${body.digest}`);
    } catch (error) {
      toastFailed(error);
    }
  };
  return (
    <Panel title={t("addBundle")}>
      <div class="models-form">
        <RoleField role={role} actives={actives} />
        {progress.value ? (
          <ProgressBar progress={progress.value} onCancel={() => abort.value?.abort()} />
        ) : (
          <Drop
            filesText={t("chooseZip")}
            folderText={t("chooseFolder")}
            onMembers={(members) => {
              add(members);
            }}
          >
            {t("addHint")}
          </Drop>
        )}
      </div>
    </Panel>
  );
}

/** "retired", "active", or the digest of the bundle that it looks on beside. */
function RoleField({
  role,
  actives,
}: {
  role: Signal<string>;
  actives: readonly BundleLine[];
}) {
  return (
    <label class="field">
      <span>{t("roleOfNew")}</span>
      <select
        value={role.value}
        onChange={(event) => {
          role.value = event.currentTarget.value;
        }}
      >
        <option value="retired">{t("roleRetired")}</option>
        {actives.map(({ digest, name }) => (
          <option key={digest} value={digest}>
            {t("roleShadow", { name: `${name} (${digest.slice(0, 8)})` })}
          </option>
        ))}
        <option value="active">{t("roleActive")}</option>
      </select>
    </label>
  );
}

function queryOf(role: string): URLSearchParams {
  const isShadow = /^[0-9a-f]{64}$/.test(role);
  return new URLSearchParams(isShadow ? { role: "shadow", shadow_of: role } : { role });
}
