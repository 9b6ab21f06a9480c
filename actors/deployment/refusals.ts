import { defineRefusals } from "../../runtime/refusal.ts";

/** Everything a deployment may refuse. Wording is for people; `code` is for programs and never changes. */
export const deploymentRefusals = defineRefusals({
  "deployment.exists": {
    httpStatus: 409,
    retryable: false,
    message: ({ name }: { name: string }) =>
      `A deployment "${name}" exists already. Change it with update or apply, or choose another name.`,
  },
  "deployment.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, nearest }: { name: string; nearest?: string | undefined }) =>
      `There is no deployment "${name}".${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`,
  },
  "deployment.deleting": {
    httpStatus: 409,
    retryable: true,
    message: ({ name }: { name: string }) => `"${name}" is being deleted. Wait until its replicas have stopped, then create it anew.`,
  },
  "deployment.stopped": {
    httpStatus: 409,
    retryable: false,
    message: ({ name }: { name: string }) => `"${name}" is stopped. Start it first.`,
  },
  "deployment.global": {
    httpStatus: 409,
    retryable: false,
    message: ({ name }: { name: string }) =>
      `"${name}" is global: it has one replica on every node that fits, and no number of them. Say by constraints which nodes fit, or update it to mode replicated with a number of replicas.`,
  },
  "deployment.of-another-stack": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, stack, wanted }: { name: string; stack: string; wanted: string }) =>
      `"${name}" belongs to the stack ${stack}, so ${wanted} cannot have it. Give one of the two stacks or services another name.`,
  },
  "deployment.of-no-stack": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, stack }: { name: string; stack: string }) =>
      `"${name}" is no member of the stack ${stack} any more: it was deleted and made anew by itself. Apply the stack to take it in again.`,
  },
  "deployment.of-a-stack": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, stack }: { name: string; stack: string }) => `"${name}" is a member of the stack ${stack}: export ${stack} instead.`,
  },
  "deployment.invalid": {
    httpStatus: 422,
    retryable: false,
    message: ({ name, problems }: { name: string; problems: readonly string[] }) =>
      `The change of "${name}" is not valid: ${problems.join("; ")}.`,
  },
  "generation.mismatch": {
    httpStatus: 412,
    retryable: false,
    message: ({ name, expected, actual }: { name: string; expected: number; actual: number }) =>
      `"${name}" is at generation ${actual}, not ${expected}: somebody changed it since. Look at it again, then repeat the change.`,
  },
  "revision.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, revision, known }: { name: string; revision: number; known: readonly number[] }) =>
      `"${name}" has no revision ${revision}. Known: ${known.join(", ")}.`,
  },
  "revision.none-earlier": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, revision }: { name: string; revision: number }) =>
      `"${name}" has no revision before ${revision} that ever succeeded. Name one with --to, if you want it all the same.`,
  },
  "revision.current": {
    httpStatus: 409,
    retryable: false,
    message: ({ name, revision }: { name: string; revision: number }) =>
      `"${name}" already runs the content of revision ${revision}; there is nothing to roll back.`,
  },
});
