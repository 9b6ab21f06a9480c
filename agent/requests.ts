import { z } from "zod";
import { AgentRequest, type ResolveAnswer, type VolumeRemoval } from "../actors/node/contract.ts";
import type { Reply } from "../runtime/actor.ts";
import { addressOf, subjectOf } from "../runtime/address.ts";
import type { Bus, Subscription } from "../runtime/bus.ts";
import type { Clock } from "../runtime/clock.ts";
import { decodeEnvelope, encodeReply } from "../runtime/envelope.ts";
import { runtimeRefusals } from "../runtime/errors.ts";
import type { Agent } from "./agent.ts";
import { engineVolumeName } from "./desired-mounts.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";
import { agentRefusals } from "./errors.ts";
import { Gate } from "./gate.ts";
import type { IngressKeeper } from "./ingress/ingress-keeper.ts";
import type { LogStreams } from "./log-streams.ts";
import type { Sampler } from "./sampler.ts";

const MAX_CONCURRENT_RESOLUTIONS = 4;
/** How long the removal of a volume waits for whoever still holds it; whoever asked waits longer. */
const VOLUME_PATIENCE_MS = 10_000;
const VOLUME_RETRY_MS = 200;

export interface RequestParts {
  readonly tenant: string;
  readonly node: string;
  readonly agent: Agent;
  readonly ingress: IngressKeeper;
  readonly engine: Engine;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly sampler: Sampler;
  readonly streams: LogStreams;
}

/** Answers the control plane on `ody.TENANT.agent.NODE`: actors in their envelope, readers of logs and figures without one. */
export function serveRequests(parts: RequestParts): Subscription {
  const resolutions = new Gate(MAX_CONCURRENT_RESOLUTIONS);
  const subject = subjectOf(addressOf(parts.tenant, "agent", parts.node));
  return parts.bus.serve(subject, async (payload) => {
    if (typeof payload !== "object" || payload === null || !("envelope" in payload)) {
      const reply = await answer(payload, parts, resolutions);
      return reply.kind === "ok" ? reply.value : reply;
    }
    const decoded = decodeEnvelope(payload);
    if (decoded.kind === "malformed") return encodeReply(runtimeRefusals["message.malformed"]({ reason: decoded.reason }));
    return encodeReply(await answer(decoded.message, parts, resolutions));
  });
}

async function answer(message: unknown, parts: RequestParts, resolutions: Gate): Promise<Reply> {
  const parsed = AgentRequest.safeParse(message);
  if (!parsed.success) return runtimeRefusals["message.malformed"]({ reason: z.prettifyError(parsed.error) });
  const request = parsed.data;
  switch (request.kind) {
    case "assignment":
    case "assignment-portion":
    case "assignment-change":
      if (request.tenant !== parts.tenant || request.node !== parts.node) return agentRefusals["agent.other-node"]({ node: parts.node });
      return ok(await parts.agent.assign(request));
    case "ingress-table":
      if (request.tenant !== parts.tenant || request.node !== parts.node) return agentRefusals["agent.other-node"]({ node: parts.node });
      return ok(await parts.ingress.accept(request));
    case "ingress-certificates":
      if (request.tenant !== parts.tenant || request.node !== parts.node) return agentRefusals["agent.other-node"]({ node: parts.node });
      return ok(await parts.ingress.keep(request.certificates));
    case "resolve-image":
      return ok(await resolutions.run(() => resolved(request, parts)));
    case "logs":
      return parts.streams.open(request);
    case "keep-stream":
      return parts.streams.keep(request.streamId);
    case "close-stream":
      return parts.streams.close(request.streamId);
    case "remove-volume":
      return ok(await removedVolume(request.name, parts));
    case "stats":
      return ok({ kind: "stats", samples: await parts.sampler.containers(request.placementIds) });
    default:
      return request satisfies never;
  }
}

/** A replica that has just ended may still hold it, until its container is tidied away. */
async function removedVolume(name: string, { engine, tenant, clock }: RequestParts): Promise<VolumeRemoval> {
  const deadlineMs = clock.monotonicMs() + VOLUME_PATIENCE_MS;
  for (;;) {
    try {
      await engine.removeVolume(engineVolumeName(tenant, name));
      return { data: "removed", reason: "" };
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
      if (clock.monotonicMs() > deadlineMs) return { data: "kept", reason: cause.message };
    }
    await new Promise<void>((resolve) => clock.after(VOLUME_RETRY_MS, resolve));
  }
}

async function resolved(
  { reference, pull }: Extract<AgentRequest, { kind: "resolve-image" }>,
  { engine, clock }: RequestParts,
): Promise<ResolveAnswer> {
  try {
    const { image, platforms } = await engine.resolve(reference, pull);
    return { kind: "resolved", image, platforms: [...platforms] };
  } catch (cause) {
    if (!(cause instanceof EngineFailure)) throw cause;
    return { kind: "failed", failure: { ...cause.failure, atMs: clock.nowMs() } };
  }
}

function ok(value: unknown): Reply {
  return { kind: "ok", value };
}
