import type { Address } from "../runtime/address.ts";
import type { AuditQuery, EventQuery, LoadFrom, RowQuery } from "../runtime/journal.ts";
import type { CommitHold } from "./commit-gate.ts";
import type { EncodedCommit } from "./encoding.ts";
import type { SealedRequest } from "./sealed-table.ts";
import { TenantFileError, type TenantFileProblem } from "./failure.ts";

/** What a storage worker is started with. */
export interface WorkerStart {
  readonly path: string;
  readonly tenant: string;
  readonly nowMs: number;
  /** Of a test's or a bench's gate. */
  readonly commitHold: CommitHold | undefined;
}

export type JournalRequest =
  | { readonly kind: "commit"; readonly commit: EncodedCommit }
  | { readonly kind: "acknowledge"; readonly ids: readonly string[] }
  | { readonly kind: "claim"; readonly epoch: number }
  | { readonly kind: "load"; readonly stream: Address; readonly from: LoadFrom }
  | { readonly kind: "streams" }
  | { readonly kind: "recall"; readonly stream: Address; readonly commandId: string }
  | { readonly kind: "pending"; readonly limit: number }
  | { readonly kind: "sealed"; readonly request: SealedRequest };

export type ReadRequest =
  | { readonly kind: "row"; readonly rowKind: string; readonly id: string }
  | { readonly kind: "rows"; readonly query: RowQuery }
  | { readonly kind: "events"; readonly query: EventQuery }
  | { readonly kind: "audit"; readonly query: AuditQuery };

/** A question on its way to a worker. */
export interface Numbered<Request> {
  readonly number: number;
  readonly request: Request;
}

export type ToWorker<Request> = { readonly kind: "requests"; readonly requests: readonly Numbered<Request>[] } | { readonly kind: "close" };

/** `error` is a bug met while answering, or a cursor that is none. */
export type WorkerAnswer =
  | { readonly number: number; readonly kind: "answer"; readonly answer: unknown }
  | { readonly number: number; readonly kind: "error"; readonly name: string; readonly message: string };

export type FromWorker =
  | { readonly kind: "opened" }
  | { readonly kind: "unopened"; readonly problem: TenantFileProblem | undefined; readonly message: string }
  | { readonly kind: "answers"; readonly answers: readonly WorkerAnswer[]; readonly newestOffset: number | undefined }
  | { readonly kind: "closed" };

export function unopened(error: unknown): FromWorker {
  if (error instanceof TenantFileError) return { kind: "unopened", problem: error.problem, message: error.advice };
  return { kind: "unopened", problem: undefined, message: error instanceof Error ? error.message : String(error) };
}

export function errorAnswer(number: number, error: unknown): WorkerAnswer {
  return error instanceof Error
    ? { number, kind: "error", name: error.name, message: error.message }
    : { number, kind: "error", name: "Error", message: String(error) };
}
