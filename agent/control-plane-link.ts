import { type AgentMessage, AgentWelcome } from "../actors/node/contract.ts";
import { AskFailure } from "../runtime/actor.ts";
import { addressOf } from "../runtime/address.ts";
import type { Bus } from "../runtime/bus.ts";
import { askOverBus } from "../runtime/remote.ts";

/** Longer than any answer takes whose sender is still alive. */
const ANSWER_TIMEOUT_MS = 4_000;

/** The agent's way to its node actor. */
export interface ControlPlaneLink {
  /** Unreachable covers everything that is repeated later: no bus, no control plane, no owner, a refusal. Never rejects. */
  ask(message: AgentMessage): Promise<LinkAnswer>;
}

export type LinkAnswer =
  | { readonly kind: "answered"; readonly welcome: AgentWelcome }
  | { readonly kind: "unreachable"; readonly reason: string };

/** Asks `TENANT/node/NODE`. Every message has an id of its own: statuses are numbered, so a repetition needs no memory at the receiver. */
export function linkOverBus(bus: Bus, identity: { readonly tenant: string; readonly node: string }, session: string): ControlPlaneLink {
  const to = addressOf(identity.tenant, "node", identity.node);
  const principal = { kind: "system", id: `agent/${identity.node}`, role: "system" } as const;
  let messages = 0;
  return {
    async ask(message) {
      messages += 1;
      const commandId = `${session}/${messages}`;
      try {
        const reply = await askOverBus(
          bus,
          to,
          message,
          { commandId, principal, via: "system", correlationId: commandId },
          { timeoutMs: ANSWER_TIMEOUT_MS },
        );
        if (reply.kind === "refusal") return { kind: "unreachable", reason: reply.message };
        const welcome = AgentWelcome.safeParse(reply.value);
        return welcome.success
          ? { kind: "answered", welcome: welcome.data }
          : { kind: "unreachable", reason: "the answer makes no sense to this agent" };
      } catch (cause) {
        if (!(cause instanceof AskFailure)) throw cause;
        return { kind: "unreachable", reason: cause.message };
      }
    },
  };
}
