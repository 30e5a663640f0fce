/** The viewer, loaded when a study is opened: the panel need not wait for it. */

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { route } from "~/core/route";
import { Failure, Loading } from "~/shell/loaded";
import { hasten } from "~/viewer/load/early";
import type { Stage } from "~/viewer/stage";
import { t } from "./texts";

type ViewerPart = ComponentType<{ stage: Stage; study: number; prior?: number | null }>;
const viewer = signal<ViewerPart | null>(null);
const viewerError = signal<unknown>(null);

function loadViewer(): void {
  viewerError.value = null;
  import("~/viewer/viewer")
    .then((loaded) => {
      viewer.value = loaded.Viewer;
    })
    .catch((error: unknown) => {
      viewerError.value = error;
    });
}

// The images are what a reader waits for: they are asked for before the page stands.
loadViewer();
const at = route.peek();
if (at.page === "study") hasten(at.study);

/** The images; a failure to load them leaves the panel standing. */
export function LateViewer(props: { stage: Stage; study: number; prior: number | null }) {
  useEffect(() => {
    if (!viewer.peek()) loadViewer();
  }, []);
  const Part = viewer.value;
  if (Part) return <Part {...props} />;
  if (viewerError.value !== null) {
    return <Failure error={viewerError.value} onRetry={loadViewer} />;
  }
  return <Loading text={t("viewerLoading")} />;
}
