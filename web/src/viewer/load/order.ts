/** The order of a series' images: along the patient, not as they were numbered. */

import { depthOf, dot, type ImageInfo } from "./image";

/** Two normals that differ by less than this (cosine) are of parallel planes. */
const PARALLEL = 0.99;
const LEAST_GAP_MM = 1e-3;

/**
 * Images by position along their common normal, where they are parallel and stand apart;
 * else by acquisition as it is numbered (a clip, a localiser, repeated positions keep
 * their order in time).
 */
export function inOrder(images: readonly ImageInfo[]): readonly ImageInfo[] {
  const byNumber = [...images].sort(compareNumbers);
  const depths = commonDepths(byNumber);
  if (!depths) return byNumber;
  return byNumber
    .map((image, index) => ({ image, depth: depths[index] ?? 0 }))
    .sort((a, b) => a.depth - b.depth)
    .map(({ image }) => image);
}

/** Positions along the first image's normal, mm; null where these make no stack. */
export function commonDepths(images: readonly ImageInfo[]): readonly number[] | null {
  const normal = images[0]?.plane?.normal;
  if (!normal || images.length < 2) return null;
  const depths = images.map(({ plane }) =>
    plane?.position && dot(plane.normal, normal) > PARALLEL
      ? dot(plane.position, normal)
      : null,
  );
  const known = depths.filter((depth) => depth !== null);
  if (known.length < images.length) return null;
  const sorted = [...known].sort((a, b) => a - b);
  const spread = (sorted[sorted.length - 1] ?? 0) - (sorted[0] ?? 0);
  return spread > LEAST_GAP_MM ? known : null;
}

function compareNumbers(a: ImageInfo, b: ImageInfo): number {
  const numbers = (a.instanceNumber ?? 0) - (b.instanceNumber ?? 0);
  if (numbers !== 0) return numbers;
  if (a.address.sop !== b.address.sop) return a.address.sop < b.address.sop ? -1 : 1;
  return a.address.frame - b.address.frame;
}

/** The image of a series that lies closest to a depth; null without geometry. */
export function closest(images: readonly ImageInfo[], depth: number): number | null {
  let best: { index: number; far: number } | null = null;
  for (const [index, image] of images.entries()) {
    const at = depthOf(image);
    if (at === null) continue;
    const far = Math.abs(at - depth);
    if (!best || far < best.far) best = { index, far };
  }
  return best?.index ?? null;
}
