import { defineRefusals } from "../../runtime/refusal.ts";

export const nodeRefusals = defineRefusals({
  "node.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ name, nearest }: { name: string; nearest?: string | undefined }) =>
      `There is no node "${name}".${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`,
  },
  "node.message-invalid": {
    httpStatus: 422,
    retryable: false,
    message: ({ name, problems }: { name: string; problems: readonly string[] }) =>
      `The agent of "${name}" sent what this control plane does not understand: ${problems.join("; ")}. Use an agent of the same version.`,
  },
});
