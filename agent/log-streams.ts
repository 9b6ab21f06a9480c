import type { Reply } from "../runtime/actor.ts";
import type { Bus } from "../runtime/bus.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Agent } from "./agent.ts";
import type { Engine } from "./engine/port.ts";
import { agentRefusals } from "./errors.ts";
import { LogStream, type LogsRequest } from "./log-stream.ts";

/** Open at once on one node; one more is refused. */
export const MAX_STREAMS = 64;

export interface LogStreamsParts {
  readonly tenant: string;
  readonly node: string;
  readonly agent: Agent;
  readonly engine: Engine;
  readonly bus: Bus;
  readonly clock: Clock;
}

/** The log streams of this node's readers, each published on a subject of its own. */
export class LogStreams {
  readonly #parts: LogStreamsParts;
  readonly #streams = new Map<string, LogStream>();

  constructor(parts: LogStreamsParts) {
    this.#parts = parts;
  }

  /** The same stream asked for again is that stream. */
  open(request: LogsRequest): Reply {
    const { streamId } = request;
    const opened: Reply = { kind: "ok", value: { kind: "opened", streamId } };
    if (this.#streams.has(streamId)) return opened;
    if (this.#streams.size >= MAX_STREAMS) return agentRefusals["agent.too-many-streams"]({ limit: MAX_STREAMS });
    const { tenant, node, agent, engine, bus, clock } = this.#parts;
    const subject = `ody.${tenant}.stream.${node}.${streamId}`;
    const stream = new LogStream(
      { agent, engine, clock, publish: (chunk) => bus.publish(subject, chunk), ended: () => void this.#streams.delete(streamId) },
      request,
    );
    this.#streams.set(streamId, stream);
    return opened;
  }

  keep(streamId: string): Reply {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return agentRefusals["agent.no-such-stream"]({ streamId });
    stream.renew();
    return { kind: "ok", value: { kind: "opened", streamId } };
  }

  /** Closing what has ended already is fine. */
  close(streamId: string): Reply {
    this.#streams.get(streamId)?.close("the reader closed it");
    return { kind: "ok", value: { kind: "closed", streamId } };
  }

  changed(placementId: string): void {
    for (const stream of this.#streams.values()) stream.changed(placementId);
  }

  stop(): void {
    for (const stream of this.#streams.values()) stream.close("the agent stops");
  }
}
