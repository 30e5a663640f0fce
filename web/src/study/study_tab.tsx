/** The study itself: its series, the work on it, what was left out, other studies. */

import { bytes, day, moment } from "~/core/text/format";
import type { Reading } from "~/findings/reading";
import { phraseOf } from "~/findings/words";
import { Icon } from "~/shell/icon";
import { Jobs } from "./jobs";
import { Lookers } from "./lookers";
import type { Study } from "./opened";
import { Priors } from "./priors";
import { t } from "./texts";

interface Props {
  readonly reading: Reading;
  readonly study: Study;
  readonly prior: number | null;
  readonly onChange: () => void;
}

/** Everything that is known of it, in short sections. */
export function StudyTab({ reading, study, prior, onChange }: Props) {
  return (
    <div class="study-tab">
      <Priors study={study} prior={prior} />
      <LeftOut reading={reading} />
      <Series study={study} />
      <Jobs study={study} onChange={onChange} />
      <Files reading={reading} />
      <Details study={study} />
      <Lookers study={study.id} />
    </div>
  );
}

function LeftOut({ reading }: { reading: Reading }) {
  const result = reading.result.value;
  if (!result) return null;
  const { left_out: left } = result.diagnosis;
  return (
    <section>
      <h3>{t("leftOut")}</h3>
      {left.length === 0 && <p class="faint">{t("nothingLeftOut")}</p>}
      <ul class="study-list">
        {left.map(({ what, reason }) => (
          <li key={`${what}/${reason}`}>
            <strong>{phraseOf(result, what)}</strong>: {phraseOf(result, reason)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Series({ study }: { study: Study }) {
  return (
    <section>
      <h3>{t("series")}</h3>
      <div class="study-scroll">
        <table class="table">
          <thead>
            <tr>
              <th class="number">{t("number")}</th>
              <th>{t("modality")}</th>
              <th>{t("description")}</th>
              <th class="number">{t("images")}</th>
            </tr>
          </thead>
          <tbody>
            {study.series.map((each) => (
              <tr key={each.id}>
                <td class="number">{each.number ?? ""}</td>
                <td>{each.modality}</td>
                <td>
                  {each.description || each.protocol_name}
                  <span class="faint">
                    {" "}
                    {[each.body_part, each.laterality, each.manufacturer]
                      .filter(Boolean)
                      .join(" · ")}
                    {each.is_own && ` · ${t("own")}`}
                  </span>
                </td>
                <td class="number">{each.instance_count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Files({ reading }: { reading: Reading }) {
  const result = reading.result.value;
  if (!result) return null;
  return (
    <section>
      <h3>{t("files")}</h3>
      {result.objects.length === 0 && <p class="faint">{t("noFiles")}</p>}
      <ul class="study-files">
        {result.objects.map((each) => (
          <li key={each.id}>
            <a href={`/api/v1/results/${result.id}/objects/${each.id}`} download>
              <Icon name="download" /> {each.kind}
            </a>{" "}
            <span class="faint figures">{bytes(each.bytes)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Details({ study }: { study: Study }) {
  const lines = [
    [t("accession"), study.accession_number],
    [t("study"), day(study.study_date)],
    [t("site"), study.site],
    [t("received"), moment(study.received_at)],
    [t("size"), bytes(study.bytes)],
  ].filter(([, value]) => value);
  return (
    <section>
      <h3>{t("details")}</h3>
      <dl class="study-details">
        {lines.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
