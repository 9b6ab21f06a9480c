import { z } from "zod";
import { addressOf } from "../../runtime/address.ts";
import { defineOperation, type Operation } from "../catalogue.ts";
import { Constraint, MAX_CONSTRAINTS } from "../deployment/contract.ts";
import type { IngressCommand } from "./commands.ts";
import { AddressRange } from "./contract.ts";
import { IngressRow } from "./views.ts";

const DECISION_TIMEOUT_MS = 15_000;
const MAX_TRUSTED_PROXIES = 100;
export const ingressWrites: readonly Operation[] = [
  defineOperation({
    name: "ingress.update",
    title: "Change how traffic comes in",
    description:
      "Which nodes take traffic (constraints as of a deployment; an empty list: all), and whose X-Forwarded-* headers and PROXY protocol are believed. Fields not given stay. A change of the trusted proxies restarts the proxies one beside the other, without losing a request.",
    effect: "write",
    input: z.strictObject({
      constraints: z.array(Constraint).max(MAX_CONSTRAINTS).optional(),
      trustedProxies: z.array(AddressRange).max(MAX_TRUSTED_PROXIES).optional(),
    }),
    output: IngressRow.omit({ number: true }).extend({ change: z.enum(["changed", "unchanged"]) }),
    roles: ["admin", "operator"],
    errors: [],
    http: { method: "PATCH", path: "/ingress" },
    example: "ingress --trust 10.0.0.0/8",
    handle: ({ constraints, trustedProxies }, { host, tenant, meta }) => {
      const command: IngressCommand = {
        kind: "update",
        ...(constraints === undefined ? {} : { constraints }),
        ...(trustedProxies === undefined ? {} : { trustedProxies }),
      };
      return host.ask(addressOf(tenant, "ingress"), command, meta, { timeoutMs: DECISION_TIMEOUT_MS });
    },
  }),
];
