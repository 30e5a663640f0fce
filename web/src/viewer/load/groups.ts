/** Functional groups of enhanced multi-frame images (PS3.3 C.7.6.16). */

import { type DataSet, element, items, type Keyword } from "./dicom_json";

/**
 * Where an attribute of a frame stands: the frame's own group, the one that all frames
 * share, or the data set itself.
 *
 * @param data of the instance.
 * @param frame from 1.
 * @param group sequence that holds it in enhanced images.
 * @param keyword that is looked for.
 */
export function placeOf(
  data: DataSet,
  frame: number,
  group: Keyword,
  keyword: Keyword,
): DataSet {
  const own = items(data, "PerFrameFunctionalGroupsSequence")[frame - 1];
  const shared = items(data, "SharedFunctionalGroupsSequence")[0];
  for (const part of [own, shared]) {
    const found = part && items(part, group)[0];
    if (found && element(found, keyword)) return found;
  }
  return data;
}
