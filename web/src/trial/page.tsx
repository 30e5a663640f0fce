/** Try it: drop images, see an answer; in a demo nobody needs an account. */

import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { api, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { isDemo, may } from "~/core/session";
import { Icon } from "~/shell/icon";
import { useLoaded } from "~/shell/loaded";
import { Choose, DropCover } from "~/shell/upload/drop";
import { UploadProgress } from "~/shell/upload/progress";
import { Answer } from "./answer";
import { t } from "./texts";
import { bundle, followUploads, forgetTried, tried } from "./tried";
import "~/findings/findings.css";
import "./trial.css";

type Bundle = components["schemas"]["BundleView"];

/** The page of "/try". */
export default function Page() {
  useEffect(followUploads, []);
  const bundles = useLoaded(activeBundles, []);
  const studies = tried().value;
  return (
    <section class="page trial">
      <h1>{t("title")}</h1>
      <p class="trial-lead">{t("lead")}</p>
      {isDemo.value && (
        <p class="trial-hint" role="note">
          <Icon name="alert" /> {t("demo")}
        </p>
      )}
      {may("upload") ? (
        <div class={studies.length > 0 ? "trial-drop trial-small" : "trial-drop"}>
          <Icon name="upload" />
          <p class="trial-drop-text">{t("drop")}</p>
          <p class="faint">{t("or")}</p>
          <Choose isMain />
          <p class="faint">{t("kinds")}</p>
          <BundleChoice bundles={bundles.data.value ?? []} />
          <DropCover />
        </div>
      ) : (
        <p class="trial-hint" role="note">
          <Icon name="alert" /> {t("mayNot")}
        </p>
      )}
      <UploadProgress />
      {studies.length > 0 && (
        <section class="trial-answers" aria-labelledby="trial-answers">
          <div class="trial-answers-head">
            <h2 id="trial-answers">{t("answers")}</h2>
            <button type="button" class="button button-small" onClick={forgetTried}>
              {t("forget")}
            </button>
          </div>
          <Answers of={studies} />
        </section>
      )}
    </section>
  );
}

/** Of hundreds of studies a page shows some; each asks for its study, result and picture. */
const SHOWN = 20;

function Answers({ of }: { of: readonly number[] }) {
  const shown = useMemo(() => signal(SHOWN), []);
  const left = of.length - shown.value;
  return (
    <>
      {of.slice(0, shown.value).map((number) => (
        <Answer key={number} number={number} />
      ))}
      {left > 0 && (
        <p class="trial-more">
          <button
            type="button"
            class="button"
            onClick={() => {
              shown.value += SHOWN;
            }}
          >
            {t("more", { count: Math.min(SHOWN, left) })}
          </button>{" "}
          <span class="faint">{t("left", { count: left })}</span>
        </p>
      )}
    </>
  );
}

async function activeBundles(abort: AbortSignal): Promise<readonly Bundle[]> {
  const all = await ok(api.GET("/api/v1/bundles", { signal: abort }));
  return all.filter((each) => each.role === "active");
}

/** Which bundle answers; where there is one, there is nothing to choose. */
function BundleChoice({ bundles }: { bundles: readonly Bundle[] }) {
  if (bundles.length < 2 || !may("read")) return null;
  return (
    <label class="trial-bundle">
      {t("bundle")}{" "}
      <select
        value={bundle.value}
        onChange={(event) => {
          bundle.value = event.currentTarget.value;
        }}
      >
        <option value="">{t("byRules")}</option>
        {bundles.map((each) => (
          <option key={each.digest} value={each.digest.slice(0, 16)}>
            {each.name}
          </option>
        ))}
      </select>
    </label>
  );
}
