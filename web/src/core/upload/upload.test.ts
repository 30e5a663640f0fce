import { beforeEach, expect, test, vi } from "vitest";
import { OfflineError, ProblemError } from "~/core/api/problem";
import { outcomes, outcomesOfProblem, type Reply, sentName } from "./outcome";
import { isSideFile, PARCEL_BYTES, PARCEL_FILES, parcels, shares } from "./parcels";
import { type Post, UploadQueue } from "./queue";

const sized = (name: string, size = 1) => ({ name, size });
const entry = (
  name: string,
  outcome: Reply["entries"][number]["outcome"],
  study: number | null = null,
  reason = "",
): Reply["entries"][number] => ({
  name,
  outcome,
  reason,
  study,
  study_uid: "",
  series_uid: "",
  instance_uid: "",
});
const found = (name: string, size = 4) => ({
  file: new File([new Uint8Array(size)], name),
  path: `folder/${name}`,
});
const replyTo = (files: readonly Blob[], study = 7): Reply => ({
  stored: files.length,
  duplicate: 0,
  conflict: 0,
  refused: 0,
  studies: [study],
  entries: files.map((_, at) => entry(sentName(at), "stored", study)),
});

beforeEach(() => {
  vi.useFakeTimers();
});

test("small files go together, a large one and an archive alone", () => {
  const files = [
    sized("a"),
    sized("b"),
    sized("big", PARCEL_BYTES),
    sized("c"),
    sized("d.ZIP"),
    sized("e"),
  ];
  expect(parcels(files).map((parcel) => parcel.map((each) => each.name))).toEqual([
    ["a", "b"],
    ["big"],
    ["c"],
    ["d.ZIP"],
    ["e"],
  ]);
});

test("no request has more files than the service takes", () => {
  const sizes = parcels(Array.from({ length: 2 * PARCEL_FILES + 1 }, () => sized("x")));
  expect(sizes.map((parcel) => parcel.length)).toEqual([PARCEL_FILES, PARCEL_FILES, 1]);
});

test("an index of a folder and a system's own files are no images", () => {
  expect(
    ["DICOMDIR", ".DS_Store", "._0001.dcm"].map((n) => isSideFile(sized(n))),
  ).toEqual([true, true, true]);
  expect(isSideFile(sized("IM0001"))).toBe(false);
});

test("the progress of a request is shared out in the order of its files", () => {
  const three = [sized("a", 10), sized("b", 20), sized("c", 0)];
  expect(shares(three, 0)).toEqual([0, 0, 0]);
  expect(shares(three, 20)).toEqual([1, 0.5, 0]);
  expect(shares(three, 99)).toEqual([1, 1, 1]);
});

test("each file of a parcel has its own outcome", () => {
  const said = [
    entry("file-0", "stored", 3),
    entry("file-1", "refused", null, "file 2: is no image"),
    entry("file-2", "duplicate", 4),
  ];
  expect(outcomes(["file-0", "file-1", "file-2"], said)).toEqual([
    { kind: "stored", reason: "", studies: [3] },
    { kind: "refused", reason: "is no image", studies: [] },
    { kind: "duplicate", reason: "", studies: [4] },
  ]);
});

test("an archive has all entries of its reply, and says what it left out", () => {
  const said = [
    entry("a.dcm", "stored", 3),
    entry("b.dcm", "stored", 4),
    entry("c.txt", "refused", null, "file 1, entry 3: is no image"),
  ];
  expect(outcomes(["file-0"], said)).toEqual([
    { kind: "stored", reason: "is no image", studies: [3, 4] },
  ]);
});

test("where nothing was taken each file has its own reason", () => {
  const problem = new ProblemError(422, "invalid", "nothing was taken; x", [
    { where: "file-1", what: "file 2: truncated" },
  ]);
  expect(outcomesOfProblem(["file-0", "file-1"], problem).map((o) => o.reason)).toEqual([
    "nothing was taken; x",
    "truncated",
  ]);
});

test("files are sent, and what became of them is told", async () => {
  const queue = new UploadQueue(async (files) => replyTo(files));
  queue.add([found("a"), found("b"), found("DICOMDIR")]);
  expect(queue.isBusy.value).toBe(true);
  await vi.runAllTimersAsync();
  expect(queue.isBusy.value).toBe(false);
  expect(queue.items.value.map(({ path, outcome }) => [path, outcome?.kind])).toEqual([
    ["folder/a", "stored"],
    ["folder/b", "stored"],
  ]);
  expect(queue.studies.value).toEqual([7]);
});

test("a lost line is waited out, and the same files are sent again", async () => {
  let tries = 0;
  const queue = new UploadQueue(async (files) => {
    tries += 1;
    if (tries < 3) throw new OfflineError("down");
    return replyTo(files);
  });
  queue.add([found("a")]);
  await vi.advanceTimersByTimeAsync(500);
  expect(queue.isStalled.value).toBe(true);
  expect(queue.items.value[0]?.state).toBe("waiting");
  await vi.advanceTimersByTimeAsync(10_000);
  expect([tries, queue.isStalled.value]).toEqual([3, false]);
  expect(queue.items.value[0]?.outcome?.kind).toBe("stored");
});

test("a parcel that is too large is halved until single files are told so", async () => {
  const sent: number[] = [];
  const queue = new UploadQueue(async (files) => {
    sent.push(files.length);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes > 8) throw new ProblemError(413, "too-large", "the upload is too large");
    return replyTo(files);
  });
  queue.add([found("a"), found("b"), found("big", 9)]);
  await vi.runAllTimersAsync();
  expect(queue.items.value.map(({ outcome }) => outcome?.kind)).toEqual([
    "stored",
    "stored",
    "refused",
  ]);
  expect(queue.items.value[2]?.outcome?.reason).toBe("the upload is too large");
  expect(sent).toEqual([3, 2, 1]);
});

test("two requests are on the line at most, and a stop takes out what waits", async () => {
  let open = 0;
  let most = 0;
  const post: Post = (_files, _told, abort) => {
    open += 1;
    most = Math.max(most, open);
    return new Promise((_, failed) => {
      abort.addEventListener("abort", () => {
        open -= 1;
        failed(abort.reason);
      });
    });
  };
  const queue = new UploadQueue(post);
  queue.add(["a", "b", "c", "d"].map((name) => found(`${name}.zip`)));
  await vi.advanceTimersByTimeAsync(10);
  expect(most).toBe(2);
  queue.cancel();
  await vi.advanceTimersByTimeAsync(10);
  expect([open, queue.items.value.length, queue.isBusy.value]).toEqual([0, 0, false]);
});

test("what goes is told while it goes", async () => {
  let told: (sent: number) => void = () => {};
  const queue = new UploadQueue((_files, tell) => {
    told = tell;
    return new Promise(() => {});
  });
  queue.add([found("a", 10), found("b", 10)]);
  told(15);
  expect(queue.items.value.map(({ share }) => share)).toEqual([1, 0.5]);
});

test("a file that is gone is told, and the others of its parcel are sent", async () => {
  const sent: number[] = [];
  const gone = found("gone");
  vi.spyOn(gone.file, "slice").mockReturnValue({
    arrayBuffer: () => Promise.reject(new DOMException("", "NotReadableError")),
  } as unknown as Blob);
  const queue = new UploadQueue(async (files) => {
    sent.push(files.length);
    // What a browser says of a request whose file it cannot read.
    if (files.includes(gone.file)) throw new OfflineError("upload");
    return replyTo(files);
  });
  queue.add([found("a"), gone, found("b")]);
  await vi.runAllTimersAsync();
  expect(sent).toEqual([3, 2]);
  expect(queue.items.value.map(({ name, outcome }) => [name, outcome?.kind])).toEqual([
    ["a", "stored"],
    ["gone", "unreadable"],
    ["b", "stored"],
  ]);
});

test("after a log-in that ended the rest is sent", async () => {
  let tries = 0;
  const queue = new UploadQueue(async (files) => {
    tries += 1;
    if (tries === 1) throw new ProblemError(401, "unauthorized", "log in");
    return replyTo(files);
  });
  queue.add([found("a")]);
  await vi.advanceTimersByTimeAsync(10);
  expect([queue.isStalled.value, queue.items.value[0]?.state]).toEqual([true, "waiting"]);
  await vi.runAllTimersAsync();
  expect(queue.items.value[0]?.outcome?.kind).toBe("stored");
});

test("what a folder does not give is listed and not sent", async () => {
  const queue = new UploadQueue(async (files) => replyTo(files));
  queue.add([found("a")], ["CT/locked.dcm"]);
  await vi.runAllTimersAsync();
  expect(queue.items.value.map(({ path, outcome }) => [path, outcome?.kind])).toEqual([
    ["CT/locked.dcm", "unreadable"],
    ["folder/a", "stored"],
  ]);
});
