import type { ExitName } from "./exit-codes.ts";

/** An answer of the API that says no: RFC 9457, with our extensions. */
export interface Problem {
  readonly title?: string;
  readonly status: number;
  readonly detail?: string;
  /** Of the error catalogue: `deployment.not-found`. */
  readonly code?: string;
  readonly correlationId?: string;
  /** Per invalid field: a JSON pointer and what would be valid. */
  readonly errors?: readonly { readonly pointer: string; readonly message: string }[];
}

/** Ends the command in an expected way, with its exit code and what the person reads. Anything else thrown is a bug. */
export class Stop extends Error {
  readonly exit: ExitName;
  readonly problem: Problem | undefined;
  /** Further lines: what to do next. */
  readonly hints: readonly string[];

  constructor(
    exit: ExitName,
    message: string,
    more: { readonly problem?: Problem; readonly hints?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.exit = exit;
    this.problem = more.problem;
    this.hints = more.hints ?? [];
  }
}

export function usage(message: string, ...hints: readonly string[]): Stop {
  return new Stop("usage", message, { hints });
}

/** The exit code follows from the status, so that a new error of the catalogue needs no change here. */
export function stopOf(problem: Problem): Stop {
  const message = problem.detail ?? problem.title ?? `The control plane answered with status ${problem.status}.`;
  return new Stop(exitOf(problem.status), message, { problem });
}

function exitOf(status: number): ExitName {
  switch (status) {
    case 401:
      return "notSignedIn";
    case 403:
      return "notAllowed";
    case 404:
    case 410:
      return "notFound";
    case 409:
    case 412:
    case 428:
      return "conflict";
    case 408:
    case 429:
    case 502:
    case 503:
    case 504:
    case 507:
      return "unavailable";
    default:
      return status >= 500 ? "serverFault" : "invalid";
  }
}
