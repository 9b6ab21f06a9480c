import type { SealedFile } from "../actors/deployment/file-contract.ts";
import { type AgentMessage, AgentWelcome, FileAnswer } from "../actors/node/contract.ts";
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
  /** The content of a file of a placement of ours. Never rejects. */
  file(placementId: string, file: SealedFile): Promise<FileAnswered>;
}

export type FileAnswered =
  | { readonly kind: "file"; readonly bytes: Uint8Array }
  | { readonly kind: "refused" | "unreachable"; readonly reason: string };

export type LinkAnswer =
  | { readonly kind: "answered"; readonly welcome: AgentWelcome }
  | { readonly kind: "unreachable"; readonly reason: string };

/** Asks `TENANT/node/NODE`. Every message has an id of its own: statuses are numbered, so a repetition needs no memory at the receiver. */
export function linkOverBus(bus: Bus, identity: { readonly tenant: string; readonly node: string }, session: string): ControlPlaneLink {
  const to = addressOf(identity.tenant, "node", identity.node);
  const principal = { kind: "system", id: `agent/${identity.node}`, role: "system" } as const;
  let messages = 0;
  const answerOf = async (message: AgentMessage): Promise<{ readonly value: unknown } | { readonly reason: string }> => {
    messages += 1;
    const commandId = `${session}/${messages}`;
    const meta = { commandId, principal, via: "system", correlationId: commandId } as const;
    try {
      const reply = await askOverBus(bus, to, message, meta, { timeoutMs: ANSWER_TIMEOUT_MS });
      return reply.kind === "refusal" ? { reason: reply.message } : { value: reply.value };
    } catch (cause) {
      if (!(cause instanceof AskFailure)) throw cause;
      return { reason: cause.message };
    }
  };
  const senseless = { kind: "unreachable", reason: "the answer makes no sense to this agent" } as const;
  return {
    async ask(message) {
      const answer = await answerOf(message);
      if ("reason" in answer) return { kind: "unreachable", reason: answer.reason };
      const welcome = AgentWelcome.safeParse(answer.value);
      return welcome.success ? { kind: "answered", welcome: welcome.data } : senseless;
    },
    async file(placementId, { kind, name, version }) {
      const answer = await answerOf({ kind: "agent.file", session, placementId, file: { kind, name, version } });
      if ("reason" in answer) return { kind: "unreachable", reason: `the control plane does not answer (${answer.reason})` };
      const file = FileAnswer.safeParse(answer.value);
      if (!file.success) return senseless;
      return file.data.kind === "file" ? { kind: "file", bytes: Buffer.from(file.data.value, "base64") } : file.data;
    },
  };
}
