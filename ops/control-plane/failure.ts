import { CredentialsDamaged } from "../../web/api/auth/administrator.ts";
import { TenantFileError, type TenantFileProblem } from "../../storage/failure.ts";
import { MasterKeysUnusable } from "../../storage/master-keys.ts";
import { NatsStartFailed } from "../nats/server-process.ts";
import { exitCodes } from "../start/exit-codes.mjs";

/** Why a start ended: one sentence (what, where, what to do) and the code to end with. */
export class StartFailure extends Error {
  readonly exitCode: number;
  constructor(sentence: string, exitCode: number, cause?: unknown) {
    super(sentence, { cause });
    this.name = "StartFailure";
    this.exitCode = exitCode;
  }
}

const OF_FILE: Readonly<Record<TenantFileProblem, number>> = {
  damaged: exitCodes.databaseDamaged,
  newer: exitCodes.databaseDamaged,
  "other-tenant": exitCodes.databaseDamaged,
  "in-use": exitCodes.homeInUse,
  "disk-full": exitCodes.diskFull,
  "read-only": exitCodes.diskReadOnly,
};

/** What a person is told about an error, wherever in the start it came from; undefined for a bug, which keeps its stack. */
export function startFailureOf(error: unknown): StartFailure | undefined {
  if (error instanceof StartFailure) return error;
  if (error instanceof TenantFileError) return new StartFailure(`${capitalized(error.message)}.`, OF_FILE[error.problem], error);
  if (error instanceof MasterKeysUnusable) return new StartFailure(`${capitalized(error.message)}.`, exitCodes.databaseDamaged, error);
  if (error instanceof CredentialsDamaged) return new StartFailure(error.message, exitCodes.databaseDamaged, error);
  if (error instanceof NatsStartFailed) return new StartFailure(error.message, exitCodes.natsFailed, error);
  return ofSystem(error);
}

function ofSystem(error: unknown): StartFailure | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const where = "path" in error && typeof error.path === "string" ? error.path : "the state directory";
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return new StartFailure(`The disk that holds ${where} is full: free some space on it and start again.`, exitCodes.diskFull, error);
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new StartFailure(
        `${where} cannot be written by this user: make it yours, or name another directory with --home.`,
        exitCodes.diskReadOnly,
        error,
      );
    default:
      return undefined;
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
