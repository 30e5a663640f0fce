/** Taking the newest promotion back. */

import { signal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import { may } from "~/core/session";
import { moment } from "~/core/text/format";
import { toastDone } from "~/shell/toast";
import { once, type Promotion } from "./asked";
import { Confirm } from "./roles";
import { tl } from "./texts_living";

/** A button where there is a promotion to take back, else nothing. */
export function Rollback({
  promotions,
  onDone,
}: {
  promotions: readonly Promotion[];
  onDone: () => void;
}) {
  const isOpen = useMemo(() => signal(false), []);
  const newest = promotions.find((each) => !each.rolled_back_at);
  if (!newest || !may("administer")) return null;
  const deed = async () => {
    const params = { header: once() };
    await ok(api.POST("/api/v1/bundles/rollback", { params }));
    toastDone(tl("rollbackDone"));
    onDone();
  };
  return (
    <>
      <button
        type="button"
        class="button"
        onClick={() => {
          isOpen.value = true;
        }}
      >
        {tl("rollback")}
      </button>
      {isOpen.value && (
        <Confirm
          title={tl("rollbackTitle")}
          deed={deed}
          onClose={() => {
            isOpen.value = false;
          }}
        >
          <p>
            {tl("rollbackSaid", {
              digest: newest.digest.slice(0, 8),
              at: moment(newest.at),
            })}
          </p>
        </Confirm>
      )}
    </>
  );
}
