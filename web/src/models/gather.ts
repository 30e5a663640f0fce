/** Files that were chosen or dropped, with their paths: what is packed into one archive. */

import type { Member } from "./zip";

/** What systems leave in folders, and nobody means to send. */
const LEFT_BY_SYSTEMS = /(^|\/)(\.[^/]*|__MACOSX|Thumbs\.db|desktop\.ini)(\/|$)/i;

/** True of a path that is worth sending. */
export function isWanted(path: string): boolean {
  return !LEFT_BY_SYSTEMS.test(path);
}

/** Files of an input; those of a chosen folder have their paths within it. */
export function membersOf(files: Iterable<File>): readonly Member[] {
  return [...files]
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }))
    .filter(({ path }) => isWanted(path));
}

/** Files of a drop, folders walked through. */
export async function dropped(data: DataTransfer): Promise<readonly Member[]> {
  // The list is emptied as soon as the event is over: all is taken at once.
  const taken = [...data.items]
    .filter(({ kind }) => kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = await Promise.all(
    taken.map(({ entry, file }) =>
      entry ? walk(entry, "") : membersOf(file ? [file] : []),
    ),
  );
  return found.flat();
}

async function walk(entry: FileSystemEntry, above: string): Promise<readonly Member[]> {
  const path = above + entry.name;
  if (!isWanted(path)) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    return [{ path, file }];
  }
  const found: Member[] = [];
  for (const each of await childrenOf(entry as FileSystemDirectoryEntry)) {
    found.push(...(await walk(each, `${path}/`)));
  }
  return found;
}

/** All of a folder: a reader gives them a hundred at a time. */
async function childrenOf(
  folder: FileSystemDirectoryEntry,
): Promise<readonly FileSystemEntry[]> {
  const reader = folder.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return found;
    found.push(...some);
  }
}

/** The one archive that was chosen, or null where files are to be packed. */
export function archiveOf(members: readonly Member[]): File | null {
  const [only] = members;
  if (members.length !== 1 || !only || !/\.zip$/i.test(only.path)) return null;
  return only.file as File;
}

/** The folder that all paths lie in, "" for none. */
export function commonFolder(members: readonly Member[]): string {
  const tops = new Set(members.map(({ path }) => path.split("/")[0] ?? ""));
  const [top = ""] = tops;
  return tops.size === 1 && members.every(({ path }) => path.includes("/")) ? top : "";
}
