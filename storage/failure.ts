import type { CommitResult } from "../runtime/journal.ts";

export type Failed = Extract<CommitResult, { kind: "failed" }>;

/** Why a tenant's file cannot be opened. */
export type TenantFileProblem = "damaged" | "newer" | "other-tenant" | "in-use" | "disk-full" | "read-only";

/** A tenant's file that cannot be opened: what, where, and what to do about it, in one sentence for a person. */
export class TenantFileError extends Error {
  readonly problem: TenantFileProblem;
  readonly path: string;
  /** What is wrong and what to do, without the path. */
  readonly advice: string;
  constructor(problem: TenantFileProblem, path: string, advice: string, cause?: unknown) {
    super(`cannot open ${path}: ${advice}`, { cause });
    this.advice = advice;
    this.name = "TenantFileError";
    this.problem = problem;
    this.path = path;
  }
}

/** It is not known whether the commit was written. Whoever decided must load the stream again before deciding anything else. */
export class CommitUncertain extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "CommitUncertain";
  }
}

const SENTENCES: Readonly<Record<Exclude<Failed["reason"], "closed">, (path: string) => string>> = {
  "disk-full": (path) => `nothing was written: the disk that holds ${path} is full; free some space and try again`,
  "read-only": (path) => `nothing was written: ${path} or its directory is read-only; make it writable for this user and try again`,
  overloaded: (path) => `nothing was written: another program holds ${path}; end it and try again`,
  damaged: (path) => `nothing was written: ${path} is damaged or its disk fails; stop Odysseus and restore the file from a backup`,
};

export const CLOSED: Failed = { kind: "failed", reason: "closed", message: "nothing was written: the journal is closed" };

/** What an error of SQLite means to the caller; undefined for one that is a bug of ours. */
export function failureOf(error: unknown, path: string): Failed | undefined {
  const reason = reasonOf(codeOf(error));
  return reason === undefined ? undefined : { kind: "failed", reason, message: SENTENCES[reason](path) };
}

/** A failed fsync leaves open whether the frames of the commit will be found in the WAL after a crash. */
export function isUncertain(error: unknown): boolean {
  return codeOf(error).endsWith("FSYNC");
}

export function openErrorOf(error: unknown, path: string): unknown {
  if (error instanceof TenantFileError) return error;
  const code = codeOf(error);
  const reason = reasonOf(code);
  if (reason === undefined) return error;
  return reason === "damaged" ? damaged(path, code, error) : new TenantFileError(...OPEN_ADVICE[reason](path), error);
}

const OPEN_ADVICE: Readonly<Record<Exclude<keyof typeof SENTENCES, "damaged">, (path: string) => [TenantFileProblem, string, string]>> = {
  "disk-full": (path) => ["disk-full", path, "its disk is full; free some space and start again"],
  "read-only": (path) => ["read-only", path, "it or its directory is not writable for this user; correct the permissions and start again"],
  overloaded: (path) => ["in-use", path, "another program is using it; end that one first"],
};

export function damaged(path: string, finding: string, cause?: unknown): TenantFileError {
  return new TenantFileError("damaged", path, `the file is damaged (${finding}); move it away and restore it from a backup`, cause);
}

const READ_ONLY_CODES: ReadonlySet<string> = new Set(["SQLITE_CANTOPEN", "SQLITE_PERM", "EACCES", "EPERM", "EROFS"]);

function reasonOf(code: string): keyof typeof SENTENCES | undefined {
  if (code === "SQLITE_FULL" || code === "ENOSPC") return "disk-full";
  if (code.startsWith("SQLITE_READONLY") || READ_ONLY_CODES.has(code)) return "read-only";
  if (code.startsWith("SQLITE_BUSY")) return "overloaded";
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_IOERR") || code === "SQLITE_NOTADB") return "damaged";
  return undefined;
}

/** Of SQLite or of the file system. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}
