import { expect, test } from "vitest";
import { type Filters, NO_FILTERS } from "~/core/filters";
import { type Finder, findNext, leftOf } from "./next";

/** A service whose list is these studies; it notes what it was asked for. */
function serviceOf(...studies: number[]) {
  const asked: Filters[] = [];
  const find: Finder = async (list, after) => {
    asked.push(list);
    const start = after === undefined ? 0 : studies.indexOf(after) + 1;
    return after !== undefined && start === 0 ? [] : studies.slice(start, start + 2);
  };
  return { asked, find };
}

test("the next one is the one behind this one", async () => {
  const { find } = serviceOf(5, 2, 9);
  expect(await findNext(find, NO_FILTERS, 5)).toEqual({ study: 2, isTop: false });
});

test("after the last one the list begins again, and says so", async () => {
  const { find } = serviceOf(5, 2, 9);
  expect(await findNext(find, NO_FILTERS, 9)).toEqual({ study: 5, isTop: true });
});

test("a study that was removed is followed by the first", async () => {
  const { find } = serviceOf(5, 2);
  expect(await findNext(find, NO_FILTERS, 77)).toEqual({ study: 5, isTop: true });
});

test("where this one alone is left there is none", async () => {
  expect(await findNext(serviceOf(5).find, NO_FILTERS, 5)).toBeNull();
  expect(await findNext(serviceOf().find, NO_FILTERS, 5)).toBeNull();
});

test("the list keeps its filters and its order", async () => {
  const { asked, find } = serviceOf(5, 2);
  const list: Filters = {
    ...NO_FILTERS,
    order: "newest",
    modality: "CT",
    advice: ["outside"],
    text: "Doe",
  };
  await findNext(find, list, 2);
  expect(asked).toHaveLength(2);
  for (const each of asked) {
    expect(each).toMatchObject({
      order: "newest",
      modality: "CT",
      advice: ["outside"],
      text: "Doe",
    });
  }
});

test("unless the list says otherwise, next is what nobody read and nothing works on", () => {
  const left = leftOf(NO_FILTERS);
  expect(left.reading).toEqual(["unread"]);
  expect(left.state).toEqual(["answered", "refused", "failed"]);
  const begun = leftOf({ ...NO_FILTERS, reading: ["begun"], state: ["running"] });
  expect([begun.reading, begun.state]).toEqual([["begun"], ["running"]]);
});
