import { defineRefusals } from "../../runtime/refusal.ts";

/** What is refused about containers, that is replicas as placed. */
export const containerRefusals = defineRefusals({
  "container.not-found": {
    httpStatus: 404,
    retryable: false,
    message: ({ id, nearest }: { id: string; nearest?: string | undefined }) =>
      `There is no container "${id}".${nearest === undefined ? " It may have been replaced." : ` Did you mean "${nearest}"?`}`,
  },
});
