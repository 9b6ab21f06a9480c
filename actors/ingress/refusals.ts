import { defineRefusals } from "../../runtime/refusal.ts";
import { MAX_BALANCED_PORTS, MAX_ROUTES } from "./contract.ts";

export const ingressRefusals = defineRefusals({
  "ingress.port-taken": {
    httpStatus: 409,
    retryable: false,
    message: ({ port, holder }: { port: string; holder: string }) =>
      `Port ${port} is published by deployment ${holder}. Publish another port, or take it from ${holder} first.`,
  },
  "ingress.port-routed": {
    httpStatus: 409,
    retryable: false,
    message: ({ port, holder }: { port: string; holder: string }) =>
      `On port ${port} the routes answer, those of deployment ${holder} among them. Publish another port, or use a route.`,
  },
  "ingress.route-taken": {
    httpStatus: 409,
    retryable: false,
    message: ({ route, holder }: { route: string; holder: string }) =>
      `The route ${route} is deployment ${holder}'s. Use another host or path, or take it from ${holder} first.`,
  },
  /** Says nothing of who has it: that is another tenant, whose affair it is. */
  "ingress.host-taken": {
    httpStatus: 409,
    retryable: false,
    message: ({ hosts }: { hosts: readonly string[] }) =>
      hosts.length === 1
        ? `The host name ${hosts.join()} is taken: use another one.`
        : `The host names ${hosts.join(", ")} are taken: use others.`,
  },
  "ingress.routes-blocked": {
    httpStatus: 409,
    retryable: false,
    message: ({ port, holder }: { port: string; holder: string }) =>
      `Routes answer on port ${port}, which deployment ${holder} publishes. Let ${holder} publish another port first.`,
  },
  "ingress.full": {
    httpStatus: 409,
    retryable: false,
    message: ({ ports, routes }: { ports: number; routes: number }) =>
      `With this there would be ${ports} balanced ports and ${routes} routes; a node serves ${MAX_BALANCED_PORTS} and ${MAX_ROUTES}. Remove some, or reach several deployments by routes.`,
  },
});
