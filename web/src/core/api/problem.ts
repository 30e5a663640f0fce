/** What a request may end with instead of an answer. */

/** One place of a request that was wrong (RFC 9457, `errors`). */
export interface WrongPlace {
  readonly where: string;
  readonly what: string;
}

/** The service refused; `detail` says what was found, wanted and to be done. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    /** HTTP status. */
    readonly status: number,
    /** Last part of the problem's type: "draft-changed", "csrf", "blank", … */
    readonly kind: string,
    readonly detail: string,
    readonly errors: readonly WrongPlace[] = [],
    /** Number of the request in the service's log. */
    readonly instance = "",
  ) {
    super(detail);
  }
}

/** The service could not be reached; nothing is known of what became of a change. */
export class OfflineError extends Error {
  override readonly name = "OfflineError";
}

/** The problem that a reply's body holds; a plain one where it holds none. */
export function problemOf(status: number, body: unknown): ProblemError {
  const said = (typeof body === "object" && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const kind =
    String(said["type"] ?? "")
      .split("/")
      .pop() || "blank";
  const detail = String(said["detail"] || said["title"] || `HTTP ${status}`);
  const errors = Array.isArray(said["errors"])
    ? said["errors"].map((each) => placeOf(each))
    : [];
  return new ProblemError(status, kind, detail, errors, String(said["instance"] ?? ""));
}

function placeOf(each: unknown): WrongPlace {
  const said = (each ?? {}) as Record<string, unknown>;
  return { where: String(said["where"] ?? ""), what: String(said["what"] ?? "") };
}
