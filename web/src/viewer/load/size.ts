/** The layout of an image that has pixels. */

import type { Layout } from "../pixels/layout";
import type { ImageInfo } from "./image";

/** Null where the image has no picture. */
export function layoutOfImage(image: ImageInfo): Layout | null {
  return typeof image.layout === "string" ? null : image.layout;
}
