/** The files of what was dropped or chosen, also of whole folders. */

/** A file and where it lay: "CT/series 1/0001.dcm". */
export interface Found {
  readonly file: File;
  readonly path: string;
}

/** Most files that are taken at once; a study has a few thousand. */
export const MOST_FILES = 20_000;

/** What came out of a drop or a choice. */
export interface Gathered {
  readonly found: readonly Found[];
  /** Paths of files and folders that the browser could not read. */
  readonly lost: readonly string[];
  /** True where there are more than `MOST_FILES`: the rest is not among them. */
  readonly isCut: boolean;
}

/**
 * All files of a drop; folders are walked. What cannot be read is told, and holds up
 * nothing else.
 *
 * Call it within the event: the browser forgets the drop after that.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<Gathered> {
  const entries = [...transfer.items]
    .filter((each) => each.kind === "file")
    .map((each) => ({ entry: each.webkitGetAsEntry(), file: each.getAsFile() }));
  const walked: Walked = { found: [], lost: [] };
  for (const { entry, file } of entries) {
    if (entry) await walk(entry, walked);
    else if (file) walked.found.push({ file, path: file.name });
  }
  return cut(walked);
}

/** The files of an `<input type="file">`, also of one that takes folders. */
export function chosenFiles(list: Iterable<File>): Gathered {
  const found = [...list].map((file) => ({
    file,
    path: file.webkitRelativePath || file.name,
  }));
  return cut({ found, lost: [] });
}

function cut({ found, lost }: Walked): Gathered {
  return { found: found.slice(0, MOST_FILES), lost, isCut: found.length > MOST_FILES };
}

/** Whether something that is dragged has files. */
export function hasFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes("Files") ?? false;
}

interface Walked {
  readonly found: Found[];
  readonly lost: string[];
}

async function walk(entry: FileSystemEntry, walked: Walked): Promise<void> {
  if (walked.found.length > MOST_FILES) return;
  const path = entry.fullPath.replace(/^\//, "");
  try {
    if (isFile(entry)) {
      const file = await new Promise<File>((done, failed) => entry.file(done, failed));
      walked.found.push({ file, path });
    } else if (isFolder(entry)) {
      for (const each of await listed(entry.createReader())) await walk(each, walked);
    }
  } catch {
    walked.lost.push(path);
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
