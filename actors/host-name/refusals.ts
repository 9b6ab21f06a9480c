import { defineRefusals } from "../../runtime/refusal.ts";
import { MAX_ROUTES } from "../ingress/contract.ts";

/** Of one tenant: what its routes can have, and as much again for what is being changed. */
export const MAX_HOSTS_PER_TENANT = 2 * MAX_ROUTES;

export const hostNameRefusals = defineRefusals({
  "ingress.too-many-hosts": {
    httpStatus: 409,
    retryable: true,
    message: ({ count }: { count: number }) =>
      `With these there would be ${count} host names that routes have or that were asked for within the last minute; ${MAX_HOSTS_PER_TENANT} are possible. Use fewer, or try again in a minute.`,
  },
});
