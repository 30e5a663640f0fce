import { expect, test } from "vitest";
import { listOf, routeOf } from "./route";

const DIGEST = "0123456789abcdef".repeat(4);

test.each([
  ["/", "worklist"],
  ["/studies/17", "study"],
  ["/models", "models"],
  [`/models/${DIGEST}`, "model"],
  ["/evaluations/3", "evaluation"],
  ["/try", "try"],
  ["/studies/0", "missing"],
  ["/studies/17/", "missing"],
  ["/studies/9999999999999999", "missing"],
  ["/models/abc", "missing"],
  ["/elsewhere", "missing"],
])("%s is the page %s", (path, page) => {
  expect(routeOf(path).page).toBe(page);
});

test("numbers and filters are read from the address", () => {
  expect(routeOf("/studies/17", "?series=2")).toMatchObject({ page: "study", study: 17 });
  const route = routeOf("/", "?state=ready&state=failed");
  expect(route.page === "worklist" && route.query.getAll("state")).toEqual([
    "ready",
    "failed",
  ]);
});

test("a study's address leads back to its list, without what is the study's own", () => {
  const { query } = routeOf("/studies/17", "?order=newest&prior=4&text=Doe") as {
    query: URLSearchParams;
  };
  expect(listOf(query)).toBe("/?order=newest&text=Doe");
  expect(listOf(new URLSearchParams("prior=4"))).toBe("/");
});
