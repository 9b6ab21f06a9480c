import { defineRefusals } from "../../runtime/refusal.ts";

export const actorRefusals = defineRefusals({
  "actor.not-quarantined": {
    httpStatus: 409,
    retryable: false,
    message: ({ address, phase }: { address: string; phase: string | undefined }) =>
      `${address} ${phase === undefined ? "is not active here" : `is ${phase}`}; only an actor in quarantine is resumed.`,
  },
});
