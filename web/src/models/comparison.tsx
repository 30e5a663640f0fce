/** A bundle in the shadow against the one that it runs beside, on the same images. */

import { api, ok } from "~/core/api/client";
import { number, percent } from "~/core/text/format";
import { Show, useLoaded } from "~/shell/loaded";
import type { BundleLine, Comparison, Promotion } from "./asked";
import { whole, written } from "./figure";
import { Panel, Scroll } from "./parts";
import { tl } from "./texts_living";

/** The panel; a bundle that never ran beside another one says so. */
export function ComparisonPanel({
  bundle,
  others,
  promotions,
}: {
  bundle: BundleLine;
  others: readonly BundleLine[];
  promotions: readonly Promotion[];
}) {
  const { digest } = bundle;
  const replaced = promotions.some((each) => each.digest === digest && each.replaced);
  return (
    <Panel title={tl("comparison")}>
      {bundle.shadow_of || replaced ? (
        <Asked digest={digest} others={others} />
      ) : (
        <p class="faint">{tl("noComparison")}</p>
      )}
    </Panel>
  );
}

function Asked({ digest, others }: { digest: string; others: readonly BundleLine[] }) {
  const found = useLoaded(
    (signal) => {
      const params = { path: { digest } };
      return ok(api.GET("/api/v1/bundles/{digest}/comparison", { params, signal }));
    },
    [digest],
  );
  const nameOf = (each: string) =>
    others.find((other) => other.digest === each)?.name ?? each.slice(0, 8);
  return <Show of={found}>{(told) => <Compared told={told} nameOf={nameOf} />}</Show>;
}

function Compared({
  told,
  nameOf,
}: {
  told: Comparison;
  nameOf: (digest: string) => string;
}) {
  const alone = [...told.only_in_active, ...told.only_in_shadow];
  const names = { active: nameOf(told.active), shadow: nameOf(told.shadow) };
  return (
    <>
      <p>
        <strong>{tl("comparisonOf", names)}</strong>.{" "}
        {tl("comparisonHint", { pairs: number(told.pairs) })}{" "}
        {tl("outside", {
          active: whole(told.active_outside, "share"),
          shadow: whole(told.shadow_outside, "share"),
        })}
      </p>
      <Scroll name={tl("comparison")}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{tl("label")}</th>
              {HEADS.map((head) => (
                <th key={head} scope="col" class="number">
                  {tl(head)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {told.labels.map((each) => (
              <tr key={each.label}>
                <th scope="row">{each.label}</th>
                <td class="number">{number(each.both)}</td>
                <td class="number">{number(each.only_active)}</td>
                <td class="number">{number(each.only_shadow)}</td>
                <td class="number">{number(each.neither)}</td>
                <td class="number">{whole(each.differ, "share")}</td>
                <td class="number">{pValue(each.p_value)}</td>
                <td class="number">{written(each.mean_change, "signed")}</td>
                <td class="number">{number(each.reviewed)}</td>
                <td class="number">{rightOf(each.active_right, each.reviewed)}</td>
                <td class="number">{rightOf(each.shadow_right, each.reviewed)}</td>
                <td class="number">{pValue(each.p_right)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {alone.length > 0 && <p>{tl("onlyLabels", { list: alone.join(", ") })}</p>}
      <p class="faint">{tl("mcnemarHint")}</p>
    </>
  );
}

const HEADS = [
  "both",
  "onlyActive",
  "onlyShadow",
  "neither",
  "differ",
  "mcnemar",
  "meanChange",
  "judged",
  "activeRight",
  "shadowRight",
  "mcnemarRight",
] as const;

function pValue(p: number | null): string {
  if (p === null) return "–";
  return p < 0.001 ? "< 0.001" : number(p, 3);
}

function rightOf(right: number, of: number): string {
  return of > 0 ? `${number(right)} (${percent(right / of, 0)})` : "–";
}
