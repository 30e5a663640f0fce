import { expect, test } from "vitest";
import type { SeriesLine, WholeStudy } from "~/viewer/load/study";
import {
  inProposedOrder,
  proposed,
  type StudyLine,
  samePatient,
  seriesLike,
} from "./prior";

const line = (id: number, study_date: string | null) => ({ id, study_date }) as StudyLine;
const NOW = { id: 5, study_date: "2026-03-10" };

test("the newest earlier study comes first, later ones last", () => {
  const found = inProposedOrder(NOW, [
    line(1, "2024-01-01"),
    line(2, "2026-05-01"),
    line(5, "2026-03-10"),
    line(3, "2026-02-01"),
    line(4, null),
  ]);
  expect(found.map(({ id }) => id)).toEqual([3, 1, 4, 2]);
  expect(proposed(NOW, found)?.id).toBe(3);
});

test("nothing is proposed that is later or has no date", () => {
  expect(proposed(NOW, [line(2, "2026-05-01")])).toBeNull();
  expect(proposed(NOW, [line(2, null)])).toBeNull();
  expect(proposed(NOW, [])).toBeNull();
});

const series = (
  id: number,
  modality: string,
  description: string,
  instance_count: number,
) =>
  ({
    id,
    modality,
    description,
    instance_count,
    is_own: false,
    number: id,
  }) as SeriesLine;

test("like is laid beside like", () => {
  const study = {
    series: [
      series(1, "CT", "scout", 1),
      series(2, "CT", "HEAD", 30),
      series(3, "MR", "T1", 28),
    ],
  } as unknown as WholeStudy;
  expect(seriesLike(study, series(9, "CT", "HEAD", 28))?.id).toBe(2);
  expect(seriesLike(study, series(9, "MR", "", 1))?.id).toBe(3);
  expect(seriesLike(study, series(9, "CT", "", 1))?.id).toBe(1);
  expect(seriesLike({ ...study, series: [] }, null)).toBeNull();
});

test("only equal Patient IDs are one patient", () => {
  const of = (id: string, birth_date: string | null = null) =>
    ({ patient: { id, birth_date } }) as WholeStudy;
  expect(samePatient(of("P1"), of("P1"))).toBe("same");
  expect(samePatient(of("P1"), of("P2"))).toBe("otherPatient");
  expect(samePatient(of(""), of(""))).toBe("unsurePatient");
  expect(samePatient(of("P1", "1960-01-11"), of("P1", "1960-02-11"))).toBe("otherBirth");
  expect(samePatient(of("P1", "1960-01-11"), of("P1", null))).toBe("same");
});
