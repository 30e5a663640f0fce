/** The files of what was dropped or chosen, also of whole folders. */

/** A file and where it lay: "CT/series 1/0001.dcm". */
export interface Found {
  readonly file: File;
  readonly path: string;
}

/** Most files that are taken at once; a study has a few thousand. */
export const MOST_FILES = 20_000;

/**
 * All files of a drop; folders are walked.
 *
 * Call it within the event: the browser forgets the drop after that.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly Found[]> {
  const entries = [...transfer.items]
    .filter((each) => each.kind === "file")
    .map((each) => ({ entry: each.webkitGetAsEntry(), file: each.getAsFile() }));
  const found: Found[] = [];
  for (const { entry, file } of entries) {
    if (entry) await walk(entry, found);
    else if (file) found.push({ file, path: file.name });
  }
  return found.slice(0, MOST_FILES);
}

/** The files of an `<input type="file">`, also of one that takes folders. */
export function chosenFiles(list: FileList): readonly Found[] {
  return [...list]
    .slice(0, MOST_FILES)
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** Whether something that is dragged has files. */
export function hasFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes("Files") ?? false;
}

async function walk(entry: FileSystemEntry, found: Found[]): Promise<void> {
  if (found.length > MOST_FILES) return;
  if (isFile(entry)) {
    const file = await new Promise<File>((done, failed) => entry.file(done, failed));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
  } else if (isFolder(entry)) {
    for (const each of await listed(entry.createReader())) await walk(each, found);
  }
}

/** All entries of a folder: a reader gives them a hundred at a time. */
async function listed(
  reader: FileSystemDirectoryReader,
): Promise<readonly FileSystemEntry[]> {
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, failed) =>
      reader.readEntries(done, failed),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
