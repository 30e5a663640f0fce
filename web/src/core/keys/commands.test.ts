import { beforeEach, expect, test, vi } from "vitest";
import {
  type Command,
  commandFor,
  commands,
  keysOf,
  register,
  remap,
  remapped,
  rivals,
  run,
} from "./commands";

const PAGE = { isTyping: false, isInDialog: false };

function command(id: string, keys: string[], more: Partial<Command> = {}): Command {
  return { id, place: "viewer", text: () => id, keys, run: vi.fn(), ...more };
}

beforeEach(() => {
  for (const each of commands.value) register([each])();
  remapped.value = {};
});

test("commands are there as long as their part of the page", () => {
  const remove = register([command("viewer.invert", ["i"])]);
  expect(run("viewer.invert")).toBe(true);
  remove();
  expect(run("viewer.invert")).toBe(false);
});

test("one that is registered anew takes the place of the old, whose end takes none out", () => {
  const removeOld = register([command("viewer.fit", ["f"])]);
  const anew = command("viewer.fit", ["f"]);
  register([anew]);
  removeOld();
  run("viewer.fit");
  expect(anew.run).toHaveBeenCalledTimes(1);
  expect(commands.value).toHaveLength(1);
});

test("the last one that can run has the key", () => {
  let canZoom = true;
  register([command("a", ["z"]), command("b", ["z"], { when: () => canZoom })]);
  expect(commandFor("z", PAGE)?.id).toBe("b");
  canZoom = false;
  expect(commandFor("z", PAGE)?.id).toBe("a");
  expect(run("b")).toBe(false);
});

test("while a text is typed only those that say so hear a key", () => {
  register([command("letter", ["x"]), command("send", ["Ctrl+Enter"], { inText: true })]);
  const typing = { ...PAGE, isTyping: true };
  expect(commandFor("x", typing)).toBeUndefined();
  expect(commandFor("Ctrl+Enter", typing)?.id).toBe("send");
});

test("a letter that somebody mapped is text where text is typed", () => {
  register([command("sign", ["Ctrl+Enter"], { inText: true })]);
  remap("sign", ["s"]);
  expect(commandFor("s", { ...PAGE, isTyping: true })).toBeUndefined();
  expect(commandFor("s", PAGE)?.id).toBe("sign");
});

test("below a dialog nothing changes unseen", () => {
  register([
    command("reject", ["x"]),
    command("sign", ["Ctrl+Enter"], { inDialog: true }),
  ]);
  const behind = { ...PAGE, isInDialog: true };
  expect(commandFor("x", behind)).toBeUndefined();
  expect(commandFor("Ctrl+Enter", behind)?.id).toBe("sign");
});

test("keys can be mapped and given back", () => {
  const zoom = command("zoom", ["z"]);
  register([zoom]);
  remap("zoom", ["q"]);
  expect(keysOf(zoom)).toEqual(["q"]);
  expect(commandFor("z", PAGE)).toBeUndefined();
  expect(commandFor("q", PAGE)?.id).toBe("zoom");
  remap("zoom", null);
  expect(commandFor("z", PAGE)?.id).toBe("zoom");
});

test("a rival is any other on the page: places stand side by side there", () => {
  const here = command("a", ["r"]);
  register([
    here,
    command("same", ["r"]),
    command("beside", ["r"], { place: "report" }),
    command("all", ["r"], { place: "everywhere" }),
    command("none", ["x"]),
  ]);
  expect(rivals(here, "r").map((each) => each.id)).toEqual(["same", "beside", "all"]);
});
