import { z } from "zod";
import type { ActorView } from "../../runtime/actor.ts";
import { addressOf, partsOf } from "../../runtime/address.ts";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { Limit } from "../paging.ts";
import type { ResumeActor } from "../tenant/actor.ts";
import { actorRefusals as refusals } from "./refusals.ts";

const DECISION_TIMEOUT_MS = 15_000;

const Phase = z.enum(["recovering", "running", "held", "backing-off", "quarantined", "stopping", "stopped"]);
const ActorLine = z.object({
  address: z.string(),
  phase: Phase,
  depth: z.number().describe("Messages that wait."),
  restarts: z.number(),
  version: z.number().describe("Events in its stream."),
  failure: z.string().optional().describe("What it failed on last, while it is in quarantine."),
});

function ofTenant({ host, tenant }: OperationContext): readonly ActorView[] {
  return host
    .actors()
    .filter(({ address }) => partsOf(address).tenant === tenant)
    .toSorted((a, b) => (a.address < b.address ? -1 : 1));
}

/** Looking at the actors of this process, and the one thing a person may do to them. */
export const actorOperations: readonly Operation[] = [
  defineOperation({
    name: "actors.list",
    title: "List the actors",
    description:
      "What lives in this control plane, with how much waits for it. An actor that failed ten times in ten minutes is in quarantine: it does nothing, keeps what waits for it, and says what it failed on.",
    effect: "read",
    input: z.strictObject({ phase: Phase.optional().describe("Only actors in this phase."), limit: Limit }),
    output: z.object({ items: z.array(ActorLine), total: z.int().describe("Of all pages; what is beyond the limit is left out.") }),
    roles: ["admin"],
    errors: [],
    http: { method: "GET", path: "/actors" },
    example: "actors list --phase quarantined",
    handle: ({ phase, limit }, context) => {
      const found = ofTenant(context).filter((actor) => phase === undefined || actor.phase === phase);
      return Promise.resolve({ kind: "ok", value: { items: found.slice(0, limit), total: found.length } });
    },
  }),
  defineOperation({
    name: "actors.resume",
    title: "Let an actor out of quarantine",
    description:
      "It is recovered from its journal and goes on with what waits for it. `retry` begins with the message it failed on; `drop` leaves that one out.",
    effect: "destructive",
    input: z.strictObject({
      name: z.string().min(1).max(200).describe("Its address, as actors list shows it: acme/node/n1."),
      poison: z.enum(["retry", "drop"]).describe("What becomes of the message it failed on."),
    }),
    output: z.object({ address: z.string(), poison: z.enum(["retry", "drop"]) }),
    roles: ["admin"],
    errors: ["actor.not-quarantined"],
    http: { method: "POST", path: "/actors/{name}/resume" },
    example: "resume acme/node/n1 --poison drop",
    handle: ({ name, poison }, context) => {
      const actor = ofTenant(context).find(({ address }) => address === name);
      if (actor?.phase !== "quarantined") return Promise.resolve(refusals["actor.not-quarantined"]({ address: name, phase: actor?.phase }));
      const command: ResumeActor = { kind: "resume-actor", address: actor.address, poison };
      return context.host.ask(addressOf(context.tenant), command, context.meta, { timeoutMs: DECISION_TIMEOUT_MS });
    },
  }),
];
