/** What became of a bundle since it was put to work: readers' words, drift, alarms. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { percent } from "~/core/text/format";
import { type Loaded, Show } from "~/shell/loaded";
import { AlarmCard } from "./alarm";
import type { Look, Monitor } from "./asked";
import { MONTHLY, MonthChart, type Monthly } from "./chart_months";
import { whenOf } from "./looks";
import { sitesOf } from "./months";
import { Panel, Picks, Scroll } from "./parts";
import { tl } from "./texts_living";

export const MONTHS = 12;

/** The panel of one bundle. */
export function Monitoring({
  monitor,
  tools,
}: {
  monitor: Loaded<Monitor>;
  tools?: ComponentChildren;
}) {
  return (
    <Panel
      id="monitoring"
      title={tl("monitoring")}
      note={tl("monitoringHint")}
      tools={tools}
    >
      <Show of={monitor}>
        {(told) => (
          <>
            {told.open_alarms.map((alarm) => (
              <AlarmCard key={alarm.id} alarm={alarm} onSeen={monitor.again} />
            ))}
            <Readers told={told} />
            <Drift told={told} />
          </>
        )}
      </Show>
    </Panel>
  );
}

function Readers({ told }: { told: Monitor }) {
  const wanted = useMemo(() => signal<Monthly>("agreement"), []);
  if (told.agreement.length === 0) return <p>{tl("nothingYet", { months: MONTHS })}</p>;
  const months = [...told.months].sort();
  return (
    <>
      <Picks
        name={tl("monitoring")}
        of={MONTHLY}
        text={tl}
        picked={wanted.value}
        onPick={(each) => {
          wanted.value = each;
        }}
      />
      <p class="faint">{tl("reviewBias")}</p>
      <div class="models-grid-2">
        {sitesOf(told.agreement).map((site) => (
          <MonthChart
            key={site}
            figure={wanted.value}
            site={site}
            months={months}
            told={told.agreement.filter((each) => each.site === site)}
          />
        ))}
      </div>
    </>
  );
}

const SIGNS = { learning: "…", few: "–", steady: "✓", drift: "!" } as const;
function Drift({ told }: { told: Monitor }) {
  const months = [...new Set(told.looks.map(({ month }) => month))].sort();
  const seen = told.looks.filter((each) => each.is_alarm && each.seen_at);
  return (
    <section class="models-chart">
      <h3>{tl("drift")}</h3>
      <p class="faint">{tl("driftHint", { share: percent(told.false_alarms, 0) })}</p>
      {months.length === 0 ? (
        <p>{tl("noLooks")}</p>
      ) : (
        <>
          <Timeline months={months} looks={told.looks} />
          <p class="faint">{tl("legendLooks")}</p>
        </>
      )}
      {seen.length > 0 && (
        <details class="models-data">
          <summary>
            {tl("seenAlarms")} ({seen.length})
          </summary>
          {seen.map((alarm) => (
            <AlarmCard key={alarm.id} alarm={alarm} />
          ))}
        </details>
      )}
    </section>
  );
}

/** Sites down, months across; in each the looks that were taken. */
function Timeline({
  months,
  looks,
}: {
  months: readonly string[];
  looks: readonly Look[];
}) {
  return (
    <Scroll name={tl("drift")}>
      <table class="table models-timeline">
        <thead>
          <tr>
            <th scope="col">{tl("site")}</th>
            {months.map((month) => (
              <th key={month} scope="col">
                {month}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sitesOf(looks).map((site) => (
            <tr key={site}>
              <th scope="row">{site || tl("unnamedSite")}</th>
              {months.map((month) => (
                <td key={month}>
                  <span class="models-looks">
                    {looks
                      .filter((each) => each.site === site && each.month === month)
                      .sort((one, other) => one.number - other.number)
                      .map((each) => (
                        <LookSign key={each.id} look={each} />
                      ))}
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function LookSign({ look }: { look: Look }) {
  const state = tl(look.state === "drift" ? "driftFound" : look.state);
  const said = tl("look", { number: look.number, when: whenOf(look.number), state });
  return (
    <span class={`models-look models-look-${look.state}`} title={said}>
      <span aria-hidden="true">{SIGNS[look.state]}</span>
      <span class="unseen">{said}</span>
    </span>
  );
}
