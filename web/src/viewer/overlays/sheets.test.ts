import { afterEach, expect, test, vi } from "vitest";
import type { ImageInfo } from "../load/image";
import type { OverlayPlane } from "../load/overlay_planes";
import type { Picture } from "../pixels/picture";
import { Sheets } from "./sheets";

const plane = {
  place: 0,
  rows: 1,
  columns: 8,
  frames: 1,
  source: { kind: "own", bytes: Uint8Array.of(1), address: "", isSwapped: false },
} as unknown as OverlayPlane;
const seen = { image: {} as ImageInfo, picture: {} as Picture };

afterEach(() => vi.unstubAllGlobals());

test("a plane that this machine has no room for is told and not awaited", async () => {
  vi.stubGlobal("OffscreenCanvas", function none() {
    throw new RangeError("too large");
  });
  const sheets = new Sheets();
  expect(sheets.sheet(seen, plane, [0, 0, 0]).kind).toBe("loading");
  await vi.waitFor(() => expect(sheets.changes.peek()).toBe(1));
  expect(sheets.sheet(seen, plane, [0, 0, 0]).kind).toBe("failed");
});
