/** A worklist without lines: no study matches, or none is there and how they come. */

import type { ComponentChildren } from "preact";
import { api, ok } from "~/core/api/client";
import type { components } from "~/core/api/schema";
import { isDemo, may } from "~/core/session";
import { Link } from "~/shell/link";
import { Show, useLoaded } from "~/shell/loaded";
import { Choose } from "~/shell/upload/drop";
import { clearFilters } from "./commands";
import { t } from "./texts";
import { te } from "./texts_empty";

type Intake = components["schemas"]["IntakeView"];
type Node = NonNullable<Intake["dicom"]>;

/** Filters leave nothing. */
export function NoMatch() {
  return (
    <div class="empty">
      <h2>{t("noMatch")}</h2>
      <p>{t("noMatchHint")}</p>
      <button type="button" class="button" onClick={clearFilters}>
        {t("clear")}
      </button>
    </div>
  );
}

/** No study is there at all: every way by which one comes. */
export function Empty() {
  const intake = useLoaded(
    (abort) => ok(api.GET("/api/v1/intake", { signal: abort })),
    [],
  );
  return (
    <div class="empty worklist-empty">
      <h2>{te("none")}</h2>
      <p>{te("noneHow")}</p>
      <div class="worklist-ways">
        {may("upload") && (
          <Way title={te("byDrop")}>
            <p>{te("byDropHow")}</p>
            <Choose isMain />
          </Way>
        )}
        <Show of={intake}>{(found) => <Sendings intake={found} />}</Show>
        <Way title={te("byTry")}>
          <p>
            {te("byTryHow")} <Link to="/try">{te("toTry")}</Link>
          </p>
          {isDemo.value && (
            <p>
              {te("bySamples")} <code>medlens serve BUNDLE --demo --samples DIR</code>
            </p>
          )}
        </Way>
      </div>
    </div>
  );
}

function Sendings({ intake }: { intake: Intake }) {
  const { dicom } = intake;
  return (
    <>
      <Way title={te("byDicom")}>
        {dicom ? <NodeFacts node={dicom} /> : <p>{te("noNode")}</p>}
      </Way>
      <Way title={te("byWeb")}>
        <p>
          {te("byWebHow")} <code>{`${location.origin}${intake.dicomweb}`}</code>
        </p>
      </Way>
    </>
  );
}

function NodeFacts({ node }: { node: Node }) {
  const notes = [
    node.is_local && te("nodeLocal"),
    node.is_tls && te("nodeTls"),
    node.is_closed && te("nodeClosed"),
  ].filter((each) => typeof each === "string");
  return (
    <>
      <dl class="worklist-node">
        <Fact name={te("nodeTitle")} value={node.ae_title} />
        <Fact name={te("nodeHost")} value={node.host || location.hostname} />
        <Fact name={te("nodePort")} value={String(node.port)} />
      </dl>
      {notes.map((each) => (
        <p key={each} class="faint">
          {each}
        </p>
      ))}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <code>{value}</code>
      </dd>
    </div>
  );
}

function Way({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="worklist-way">
      <h3>{title}</h3>
      {children}
    </section>
  );
}
