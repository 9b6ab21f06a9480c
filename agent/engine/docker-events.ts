import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { Random, Timer } from "../../runtime/clock.ts";
import { LABEL } from "../labels.ts";
import type { DockerConnection } from "./docker-connection.ts";
import type { EngineEvent } from "./port.ts";
import type { EngineOwner } from "./owner.ts";
import { answersNonsense, translateDockerError } from "./docker-errors.ts";

const OPEN_DEADLINE_MS = 10_000;
/** Waits between attempts grow from the first to the second, each with full jitter. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** One event is a few kilobytes, labels included. */
const MAX_LINE_LENGTH = 1_048_576;

const actions = ["start", "die", "oom", "pause", "unpause", "destroy", "update", "rename", "stop", "kill"] as const;
/** What changes which images there are, or their names. */
const imageActions = ["pull", "load", "import", "tag", "untag", "delete", "prune"] as const;
const Line = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
});
const Action = z.enum(actions);

/** Follows the engine's events until stopped, over as many connections as it takes. */
export class DockerEvents {
  readonly #connection: DockerConnection;
  readonly #random: Random;
  readonly #owner: EngineOwner;
  readonly #listener: (event: EngineEvent) => void;
  readonly #stopped = new AbortController();
  #wait: Timer | undefined;

  constructor(connection: DockerConnection, random: Random, owner: EngineOwner, listener: (event: EngineEvent) => void) {
    this.#connection = connection;
    this.#random = random;
    this.#owner = owner;
    this.#listener = listener;
    void this.#follow(0);
  }

  stop(): void {
    this.#stopped.abort();
    this.#wait?.cancel();
  }

  async #follow(failures: number): Promise<void> {
    let wasConnected = false;
    try {
      const body = await this.#open();
      wasConnected = true;
      this.#tell({ kind: "connected" });
      await this.#read(body);
      this.#tell({ kind: "disconnected", reason: "the engine ended the connection" });
    } catch (error) {
      const { failure } = translateDockerError(error, { doing: "following events", socketPath: this.#connection.socketPath });
      this.#tell({ kind: "disconnected", reason: failure.message });
    }
    if (this.#stopped.signal.aborted) return;
    const nextFailures = wasConnected ? 0 : failures + 1;
    const ceilingMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** nextFailures);
    this.#wait = this.#connection.clock.after(ceilingMs * this.#random.next(), () => void this.#follow(nextFailures));
  }

  #open(): Promise<IncomingMessage> {
    // Images carry none of our labels, so the engine cannot be asked for those alone.
    const filters = { type: ["container", "image"], event: [...actions, ...imageActions] };
    return this.#connection.stream({
      method: "GET",
      path: "/events",
      query: { filters: JSON.stringify(filters) },
      doing: "following events",
      deadlineMs: OPEN_DEADLINE_MS,
      signal: this.#stopped.signal,
    });
  }

  async #read(body: IncomingMessage): Promise<void> {
    let rest = "";
    for await (const chunk of body.setEncoding("utf8")) {
      rest += String(chunk);
      const complete = rest.split("\n");
      rest = complete.pop() ?? "";
      if (rest.length > MAX_LINE_LENGTH) throw answersNonsense("following events", rest, undefined);
      for (const text of complete) if (text.trim() !== "") this.#take(text);
    }
  }

  #take(text: string): void {
    const { Type, ...line } = Line.parse(parseJson(text));
    if (Type === "image") return this.#tell({ kind: "images" });
    const action = Action.safeParse(line.Action);
    const attributes = line.Actor.Attributes ?? {};
    if (!action.success || attributes[LABEL.tenant] !== this.#owner.tenant || attributes[LABEL.node] !== this.#owner.node) return;
    const exitCode = Number(attributes["exitCode"]);
    const hasExitCode = action.data === "die" && Number.isInteger(exitCode);
    this.#tell({ kind: "container", action: action.data, containerId: line.Actor.ID, ...(hasExitCode ? { exitCode } : {}) });
  }

  #tell(event: EngineEvent): void {
    if (!this.#stopped.signal.aborted) this.#listener(event);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw answersNonsense("following events", text, error);
  }
}
