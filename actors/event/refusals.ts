import { defineRefusals } from "../../runtime/refusal.ts";

/** What is refused about events. */
export const eventRefusals = defineRefusals({
  "events.unknown-position": {
    httpStatus: 400,
    retryable: false,
    message: ({ position, newest }: { position: string; newest: number }) =>
      `"${position}" is no position in this journal, whose newest event is ${newest}. Begin without one; it may come from another installation.`,
  },
});
