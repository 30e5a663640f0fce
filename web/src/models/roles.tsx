/** What a bundle is to do: promote, run in the shadow, retire, roll back; each confirmed. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import { may } from "~/core/session";
import { Dialog } from "~/shell/dialog";
import { toastDone, toastFailed } from "~/shell/toast";
import { type Bundle, type BundleLine, once } from "./asked";
import { tl } from "./texts_living";

type Deed = "promote" | "shadow" | "retire";

interface Props {
  readonly bundle: Bundle;
  readonly others: readonly BundleLine[];
  readonly onDone: () => void;
}

/** Buttons of what can be done with a bundle; nothing for who may not. */
export function Roles(props: Props) {
  const { bundle, others } = props;
  const open = useMemo(() => signal<Deed | null>(null), []);
  if (!may("administer") || bundle.problem) return null;
  const actives = others.filter(({ role }) => role === "active");
  const button = (deed: Deed, text: string) => (
    <button
      type="button"
      class={deed === "promote" ? "button button-main" : "button"}
      onClick={() => {
        open.value = deed;
      }}
    >
      {text}
    </button>
  );
  const close = () => {
    open.value = null;
  };
  return (
    <div class="models-tools">
      {bundle.role !== "active" && button("promote", tl("promote"))}
      {bundle.role === "retired" &&
        actives.length > 0 &&
        button("shadow", tl("toShadow"))}
      {bundle.role !== "retired" && button("retire", tl("retire"))}
      {open.value === "promote" && (
        <Promote {...props} actives={actives} onClose={close} />
      )}
      {open.value === "shadow" && <Shadow {...props} actives={actives} onClose={close} />}
      {open.value === "retire" && <Retire {...props} onClose={close} />}
    </div>
  );
}

/** A dialog that does one thing when it is confirmed; it stays open where that fails. */
export function Confirm({
  title,
  children,
  onClose,
  deed,
}: {
  title: string;
  children: ComponentChildren;
  onClose: () => void;
  deed: () => Promise<void>;
}) {
  const isBusy = useMemo(() => signal(false), []);
  const start = async () => {
    isBusy.value = true;
    try {
      await deed();
      onClose();
    } catch (error) {
      toastFailed(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" onClick={onClose}>
            {tl("cancel")}
          </button>
          <button
            type="button"
            class="button button-main"
            disabled={isBusy.value}
            onClick={start}
          >
            {tl("confirm")}
          </button>
        </>
      }
    >
      <div class="models-form">{children}</div>
    </Dialog>
  );
}

type DialogProps = Props & { onClose: () => void };

function Promote({
  bundle,
  actives,
  onDone,
  onClose,
}: DialogProps & { actives: readonly BundleLine[] }) {
  const replaces = useMemo(() => signal(bundle.shadow_of), []);
  const becomes = useMemo(() => signal<"retired" | "shadow">("retired"), []);
  const isForced = useMemo(() => signal(false), []);
  const deed = async () => {
    const params = { path: { digest: bundle.digest }, header: once() };
    const body = {
      replaces: replaces.value,
      replaced_becomes: becomes.value,
      force: isForced.value,
    };
    await ok(api.POST("/api/v1/bundles/{digest}/promote", { params, body }));
    toastDone(tl("promoteDone", { name: bundle.name }));
    onDone();
  };
  return (
    <Confirm
      title={tl("promoteTitle", { name: bundle.name })}
      onClose={onClose}
      deed={deed}
    >
      <p>{tl("promoteSaid")}</p>
      <label class="field">
        <span>{tl("takesPlace")}</span>
        <select
          value={replaces.value}
          onChange={(event) => {
            replaces.value = event.currentTarget.value;
          }}
        >
          <option value="">{tl("nobody")}</option>
          <BundleOptions of={actives} />
        </select>
      </label>
      {replaces.value && (
        <label class="field">
          <span>{tl("replacedBecomes")}</span>
          <select
            value={becomes.value}
            onChange={(event) => {
              becomes.value =
                event.currentTarget.value === "shadow" ? "shadow" : "retired";
            }}
          >
            <option value="retired">{tl("rests")}</option>
            <option value="shadow">{tl("goesOn")}</option>
          </select>
        </label>
      )}
      <label class="models-check">
        <input
          type="checkbox"
          checked={isForced.value}
          onChange={(event) => {
            isForced.value = event.currentTarget.checked;
          }}
        />
        {tl("force")}
      </label>
    </Confirm>
  );
}

function Shadow({
  bundle,
  actives,
  onDone,
  onClose,
}: DialogProps & { actives: readonly BundleLine[] }) {
  const beside = useMemo(() => signal(actives[0]?.digest ?? ""), []);
  const deed = async () => {
    const params = { path: { digest: bundle.digest }, header: once() };
    const body = { shadow_of: beside.value };
    await ok(api.POST("/api/v1/bundles/{digest}/shadow", { params, body }));
    toastDone(tl("shadowDone", { name: bundle.name }));
    onDone();
  };
  return (
    <Confirm
      title={tl("shadowTitle", { name: bundle.name })}
      onClose={onClose}
      deed={deed}
    >
      <p>{tl("shadowSaid")}</p>
      <label class="field">
        <span>{tl("beside")}</span>
        <select
          value={beside.value}
          onChange={(event) => {
            beside.value = event.currentTarget.value;
          }}
        >
          <BundleOptions of={actives} />
        </select>
      </label>
    </Confirm>
  );
}

function Retire({ bundle, onDone, onClose }: DialogProps) {
  const deed = async () => {
    const params = { path: { digest: bundle.digest }, header: once() };
    await ok(api.POST("/api/v1/bundles/{digest}/retire", { params }));
    toastDone(tl("retireDone", { name: bundle.name }));
    onDone();
  };
  return (
    <Confirm
      title={tl("retireTitle", { name: bundle.name })}
      onClose={onClose}
      deed={deed}
    >
      <p>{tl("retireSaid")}</p>
    </Confirm>
  );
}

/** Bundles by name and the first digits of their digest. */
export function BundleOptions({ of }: { of: readonly BundleLine[] }) {
  return (
    <>
      {of.map(({ digest, name }) => (
        <option key={digest} value={digest}>
          {name} ({digest.slice(0, 8)})
        </option>
      ))}
    </>
  );
}
