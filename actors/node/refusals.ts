import { defineRefusals } from "../../runtime/refusal.ts";

export const nodeRefusals = defineRefusals({
  "node.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, nearest }: { name: string; nearest?: string | undefined }) =>
      `There is no node "${name}".${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`,
  },
  "node.images-unknown": {
    httpStatus: 503,
    retryable: true,
    message: ({ name, reason }: { name: string; reason: string }) =>
      `Which images "${name}" has is not known now: ${reason}. Look again once it is healthy.`,
  },
  "node.answers": {
    httpStatus: 409,
    retryable: true,
    message: ({ name, replicas }: { name: string; replicas: number }) =>
      `"${name}" still answers${replicas === 0 ? "" : ` and holds ${replicas} ${replicas === 1 ? "replica" : "replicas"}: drain it first`}. Stop its agent, and remove it once it is unreachable.`,
  },
  "node.message-invalid": {
    httpStatus: 422,
    retryable: false,
    message: ({ name, problems }: { name: string; problems: readonly string[] }) =>
      `The agent of "${name}" sent what this control plane does not understand: ${problems.join("; ")}. Use an agent of the same version.`,
  },
});
