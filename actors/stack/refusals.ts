import { defineRefusals } from "../../runtime/refusal.ts";
import { fewOf } from "../deployment/sentence.ts";
import type { LeftAlone } from "./commands.ts";

/** Everything a stack may refuse. */
export const stackRefusals = defineRefusals({
  "stack.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, nearest }: { name: string; nearest?: string | undefined }) =>
      `There is no stack "${name}".${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`,
  },
  "stack.deleting": {
    httpStatus: 409,
    retryable: true,
    message: ({ name }: { name: string }) =>
      `The stack "${name}" is being deleted. Wait until its members have stopped, then apply it anew.`,
  },
  "stack.changing": {
    httpStatus: 409,
    retryable: true,
    message: ({ name, change, revision }: { name: string; change: string; revision: number }) =>
      `A change of the stack "${name}" is under way (${change}, revision ${revision}), so nothing of it is restarted now. Wait until it has ended, or roll back.`,
  },
  "stack.unfinished": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, change, revision }: { name: string; change: string; revision: number }) =>
      `The stack "${name}" never became what its revision ${revision} says (${change} failed), so it is not restarted as a whole. Apply it again or roll back; each member can be restarted by itself.`,
  },
  "stack.service-not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, service, nearest, known }: { name: string; service: string; nearest?: string; known: readonly string[] }) =>
      `The stack "${name}" has no service "${service}". ${nearest === undefined ? `It has ${fewOf(known)}.` : `Did you mean "${nearest}"?`}`,
  },
  "stack.not-running": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, members }: { name: string; members: readonly LeftAlone[] }) =>
      `Nothing of the stack "${name}" is restarted: ${fewOf(members.map(({ service, reason }) => `${service} ${reason}`))}. Start what is stopped, apply the stack to make what is not there, and name a job to run it again.`,
  },
  "stack.invalid": {
    httpStatus: 422,
    retryable: false,
    message: ({ name, problems }: { name: string; problems: readonly string[] }) =>
      `The stack "${name}" is not valid: ${problems.join("; ")}.`,
  },
  "stack.generation-mismatch": {
    httpStatus: 412,
    retryable: false,
    message: ({ name, expected, actual }: { name: string; expected: number; actual: number }) =>
      `The stack "${name}" is at generation ${actual}, not ${expected}: somebody changed it since. Look at it again, then repeat the change.`,
  },
  "stack.revision-not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, revision, known }: { name: string; revision: number; known: readonly number[] }) =>
      `The stack "${name}" has no revision ${revision}. Known: ${known.join(", ")}.`,
  },
  "stack.none-earlier": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, revision }: { name: string; revision: number }) =>
      `The stack "${name}" has no revision before ${revision} that ever succeeded. Name one with --to, if you want it all the same.`,
  },
  "stack.current": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, revision }: { name: string; revision: number }) =>
      `The stack "${name}" already is what revision ${revision} says, in every member; there is nothing to roll back.`,
  },
});
