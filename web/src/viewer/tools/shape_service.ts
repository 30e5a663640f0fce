/** The service's side of measurements, and keeping those of the studies on the screen. */

import { effect, untracked } from "@preact/signals";
import { api, ok } from "~/core/api/client";
import { ProblemError } from "~/core/api/problem";
import type { components } from "~/core/api/schema";
import { draft } from "~/core/drafts";
import { line } from "~/core/events";
import { may } from "~/core/session";
import { onceCalm } from "~/viewer/load/calm";
import { Keeping, type OnService, type ShapeService } from "./keeping";
import type { Kit } from "./kit";
import type { Kept, Shelf } from "./shelf";

type Body = components["schemas"]["MeasurementsSave"];

/** Keep the measurements of each study that is on the screen; returns what ends it. */
export function keepOnService(kit: Kit): () => void {
  const running = new Map<number, () => void>();
  const stops = [
    effect(() => {
      const studies = kit.desk.panes.value.flatMap(({ study }) => study.value?.id ?? []);
      untracked(() => {
        for (const study of studies) {
          if (!running.has(study)) running.set(study, begin(study, kit.shelf(study)));
        }
      });
    }),
  ];
  return () => {
    for (const stop of [...stops, ...running.values()]) stop();
  };
}

function begin(study: number, shelf: Shelf): () => void {
  const known = draft<OnService>(`measured-there/${study}`, { revision: 0, shapes: [] });
  const keeping = new Keeping(shelf.shapes, shelf.adopt, known, serviceOf(study));
  const mirror = effect(() => {
    shelf.state.value = keeping.state.value;
  });
  // Nothing is asked for before the first image stands.
  let end: (() => void) | null = null;
  const callOff = onceCalm(() => {
    end = keeping.start();
  });
  const again = effect(() => {
    if (line.value === "open") untracked(() => keeping.now());
  });
  const leave = () => {
    if (document.visibilityState === "hidden") keeping.now();
  };
  document.addEventListener("visibilitychange", leave);
  return () => {
    document.removeEventListener("visibilitychange", leave);
    callOff();
    again();
    end?.();
    mirror();
  };
}

function serviceOf(study: number): ShapeService {
  const params = { path: { study } };
  return {
    read: async () =>
      said(await ok(api.GET("/api/v1/studies/{study}/measurements", { params }))),
    put: async (revision, shapes) => {
      // Who may only look measures for themselves, in this tab.
      if (!may("read")) throw new ProblemError(403, "forbidden", "");
      const body = { revision, shapes: shapes as unknown as Body["shapes"] };
      return said(
        await ok(api.PUT("/api/v1/studies/{study}/measurements", { params, body })),
      );
    },
  };
}

/** The service took no other shapes than this page makes. */
function said({
  revision,
  shapes,
}: {
  readonly revision: number;
  readonly shapes: unknown;
}): OnService {
  return { revision, shapes: shapes as readonly Kept[] };
}
