import { beforeEach, expect, test, vi } from "vitest";
import { away, hold, type Me, me } from "~/core/session";
import { ok } from "./client";

const anna: Me = {
  name: "anna",
  role: "reader",
  rights: ["view", "read"],
  csrf: "old",
  is_demo: false,
};
const refusal = { type: "/api/v1/problems/csrf", status: 403, detail: "x" };
const assign = vi.fn();
let sent: { url: string; word: string | null; body: string }[] = [];
let answers: (() => Response)[] = [];

beforeEach(() => {
  sent = [];
  me.value = anna;
  away.value = "";
  assign.mockClear();
  vi.stubGlobal("location", {
    origin: "http://page",
    pathname: "/studies/3",
    search: "",
    assign,
  });
  vi.stubGlobal("fetch", async (asked: Request | string) => {
    const request = new Request(
      new URL(asked instanceof Request ? asked.url : asked, "http://page"),
      asked instanceof Request ? asked : {},
    );
    const word = request.headers.get("X-CSRF-Token");
    sent.push({ url: new URL(request.url).pathname, word, body: await request.text() });
    return (answers.shift() ?? (() => new Response("", { status: 500 })))();
  });
});

async function change(): Promise<unknown> {
  const { ask } = await import("./client");
  return ask("/api/v1/thing", { method: "POST", body: "typed" });
}

test("a change carries the word of the session, a question does not", async () => {
  answers = [() => Response.json({}), () => Response.json({})];
  const { ask } = await import("./client");
  await change();
  await ask("/api/v1/thing");
  expect(sent.map(({ word }) => word)).toEqual(["old", null]);
});

test("who logged in anew in another tab is not held up: the change goes again", async () => {
  answers = [
    () => Response.json(refusal, { status: 403 }),
    () => Response.json({ ...anna, csrf: "new" }),
    () => Response.json({ done: true }),
  ];
  await change();
  expect(sent.map(({ url, word, body }) => [url, word, body])).toEqual([
    ["/api/v1/thing", "old", "typed"],
    ["/api/v1/me", null, ""],
    ["/api/v1/thing", "new", "typed"],
  ]);
  expect(me.value?.csrf).toBe("new");
});

test("nothing is sent under the name of another person", async () => {
  answers = [
    () => Response.json(refusal, { status: 403 }),
    () => Response.json({ ...anna, name: "bert", csrf: "his" }),
  ];
  await expect(change()).rejects.toMatchObject({ status: 403, kind: "csrf" });
  expect(sent).toHaveLength(2);
  expect(away.value).toBe("other");
  expect(me.value?.name).toBe("anna");
});

test("another refusal is what it is", async () => {
  const forbidden = { type: "/api/v1/problems/forbidden", status: 403, detail: "no" };
  answers = [() => Response.json(forbidden, { status: 403 })];
  await expect(change()).rejects.toMatchObject({ kind: "forbidden", detail: "no" });
  expect(sent).toHaveLength(1);
});

test("a log-in that ended leads to the log-in, unless files are on their way", async () => {
  const gone = () => Response.json({ type: "x/unauthorized" }, { status: 401 });
  answers = [gone, gone];
  const letGo = hold();
  await expect(change()).rejects.toMatchObject({ status: 401 });
  expect(assign).not.toHaveBeenCalled();
  expect(away.value).toBe("logged-out");
  letGo();
  await expect(change()).rejects.toMatchObject({ status: 401 });
  expect(assign).toHaveBeenCalledWith("/login");
});

test("a line that breaks is told as such", async () => {
  answers = [
    () => {
      throw new TypeError("failed to fetch");
    },
  ];
  const { api } = await import("./client");
  const asked = ok(api.GET("/api/v1/me"));
  await expect(asked).rejects.toThrow("failed to fetch");
  await expect(asked).rejects.toMatchObject({ name: "OfflineError" });
});
