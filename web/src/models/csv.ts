/** The header of a table of labels, read as the service reads it. */

const EXCEL_HINT = /^sep=(.)\r?\n/;

/** What the first rows of a table say. */
export interface Head {
  readonly columns: readonly string[];
  /** Some values of each column, in the order of `columns`. */
  readonly samples: readonly (readonly string[])[];
}

/**
 * Names of the columns and some values of each.
 *
 * @param bytes beginning of the file; a last row that is cut off is left out.
 * @param isWhole nothing was cut off.
 */
export function headOf(bytes: Uint8Array, isWhole = true, most = 200): Head {
  let text = decode(bytes);
  const hint = EXCEL_HINT.exec(text);
  if (hint) text = text.slice(hint[0].length);
  const rows = rowsOf(text, hint?.[1] ?? delimiterOf(text), most + 2);
  if (!isWhole && rows.length > 1 && rows.length < most + 2) rows.pop();
  const [header = [], ...rest] = rows.filter((row) => row.some(Boolean));
  const columns = header.map((name, at) => name || `column ${at + 1}`);
  const samples = columns.map((_, at) => [
    ...new Set(rest.map((row) => row[at] ?? "").filter(Boolean)),
  ]);
  return { columns, samples };
}

function decode(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    // A cut may fall within a character: streaming leaves that one out.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}

function delimiterOf(text: string): string {
  const header = text.split(/\r?\n|\r/).find((line) => line.trim()) ?? "";
  const plain = header.replaceAll(/"[^"]*"/g, "");
  const marks = [",", ";", "\t"];
  const count = (mark: string) => plain.split(mark).length;
  return marks.reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** Rows with quotes as RFC 4180 has them, at most `most` of them. */
function rowsOf(text: string, delimiter: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = "";
  let isQuoted = false;
  const endField = () => {
    row.push(field.trim());
    field = "";
  };
  for (let at = 0; at < text.length && rows.length < most; at += 1) {
    const mark = text[at];
    if (isQuoted) {
      if (mark !== '"') field += mark;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else isQuoted = false;
    } else if (mark === '"' && !field.trim()) isQuoted = true;
    else if (mark === delimiter) endField();
    else if (mark === "\n") {
      endField();
      rows.push(row);
      row = [];
    } else if (mark !== "\r") field += mark;
  }
  if ((field || row.length > 0) && rows.length < most) {
    endField();
    rows.push(row);
  }
  return rows;
}

const LABEL = /label|class|target|finding|diagnos|categor|outcome|disease/i;
const PATIENT = /^(patient|subject|person|case)[\s_-]*(id|key|number)?$/i;

/** The column that is most likely the label: as the service guesses it; "" for none. */
export function likelyLabel({ columns }: Head): string {
  const exact = columns.find((name) => name.toLowerCase() === "label");
  const some = columns.filter((name) => LABEL.test(name));
  return exact ?? (some.length === 1 ? (some[0] ?? "") : "");
}

/** The column that most likely tells patients apart; "" for none. */
export function likelyPatient({ columns }: Head): string {
  return columns.find((name) => PATIENT.test(name)) ?? "";
}
