import { expect, test } from "vitest";
import { problemOf } from "./problem";

test("a problem document of the service is read whole", () => {
  const found = problemOf(422, {
    type: "/api/v1/problems/invalid",
    detail: "nothing was taken; file 1: is no image",
    errors: [{ where: "a.txt", what: "is no image" }],
    instance: "urn:uuid:1",
  });
  expect(found).toMatchObject({ status: 422, kind: "invalid", instance: "urn:uuid:1" });
  expect(found.errors).toEqual([{ where: "a.txt", what: "is no image" }]);
  expect(found.message).toBe("nothing was taken; file 1: is no image");
});

test("a reply that is no problem document still says its status", () => {
  expect(problemOf(502, "<html>bad gateway</html>").detail).toBe("HTTP 502");
  expect(problemOf(413, null).kind).toBe("blank");
});
