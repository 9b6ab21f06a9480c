import type { Operation, OperationContext } from "../../actors/catalogue.ts";
import { imageRefusals } from "../../actors/deployment/resolve-image.ts";
import { operations } from "../../actors/operations.ts";
import { AskFailure, type Reply } from "../../runtime/actor.ts";
import { isStorageRefusal } from "../../runtime/errors.ts";
import type { SimLoop } from "../../runtime/simulation/sim-loop.ts";
import type { ControlPlaneLife, SimControlPlane } from "./sim-control-plane.ts";
import { TENANT } from "./tenant.ts";
import type { Trace } from "./trace.ts";
import type { Report } from "./violation.ts";
import { isUnchangedStack, oneOf, type Wish } from "./ingredients.ts";
import { memorySealedStore } from "../../storage/memory-sealed.ts";

/** Without an answer for so long the same is asked again, under the same id. */
const PATIENCE_MS = 20_000;
const LONGEST_PAUSE_MS = 2_000;
/** Answers that get lost between the control plane and the person. */
const LOST_ANSWER_SHARE = 0.05;
/** Of what was answered, so much is asked again under the same id, as by an impatient client. */
const REPEATED_SHARE = 0.15;
const ATTEMPTS_OF_RETRYABLE = 3;

/** Something a person asked for, and what they heard. */
export interface Asked {
  readonly commandId: string;
  readonly wish: Wish;
  attempts: number;
  /** What they were answered last; undefined: nothing yet. */
  answer: Reply | undefined;
}

export interface PersonParts {
  readonly loop: SimLoop;
  readonly controlPlane: SimControlPlane;
  readonly trace: Trace;
  readonly report: Report;
}

/** Someone at the API: asks, waits, asks again when nothing is heard, and remembers every answer. */
export class Person {
  readonly asked: Asked[] = [];
  readonly #parts: PersonParts;
  readonly #sealed = memorySealedStore();
  readonly #operations = new Map(operations.map((operation) => [operation.name as string, operation]));

  constructor(parts: PersonParts) {
    this.#parts = parts;
  }

  /** Everything asked for was answered. */
  get isSatisfied(): boolean {
    return this.asked.every(({ answer }) => answer !== undefined);
  }

  /** What was asked for with this command. */
  wishOf(commandId: string): Wish | undefined {
    return this.asked.find((asked) => asked.commandId === commandId)?.wish;
  }

  ask(wish: Wish): Asked {
    const asked: Asked = { commandId: `person-${this.asked.length + 1}`, wish, attempts: 0, answer: undefined };
    this.asked.push(asked);
    this.#parts.trace.add(`person: ${asked.commandId} ${textOf(wish)}`);
    void this.#send(asked);
    return asked;
  }

  async #send(asked: Asked): Promise<void> {
    const { controlPlane, loop } = this.#parts;
    const { lives } = controlPlane;
    if (lives.length === 0) return this.#later(asked);
    const life = oneOf(loop.random, lives);
    asked.attempts += 1;
    const patience = loop.after(PATIENCE_MS, () => void this.#send(asked));
    const reply = await this.#call(asked, life);
    if (reply === undefined || !life.process.isAlive || loop.random.next() < LOST_ANSWER_SHARE) return;
    patience.cancel();
    this.#hear(asked, reply);
  }

  #later(asked: Asked): void {
    this.#parts.loop.after(this.#parts.loop.random.next() * LONGEST_PAUSE_MS, () => void this.#send(asked));
  }

  #hear(asked: Asked, reply: Reply): void {
    const { loop, trace, report } = this.#parts;
    const isOk = reply.kind === "ok";
    trace.add(`person: ${asked.commandId} is answered ${isOk ? JSON.stringify(reply.value) : reply.code}`);
    if (asked.answer?.kind === "ok") this.#compare(asked, asked.answer, reply);
    else if (!isOk && reply.retryable && asked.attempts < ATTEMPTS_OF_RETRYABLE) return this.#later(asked);
    else asked.answer = reply;
    if (isOk && loop.random.next() < REPEATED_SHARE) this.#later(asked);
    if (!isOk && reply.httpStatus === 500) report("no internal errors", `${asked.commandId}: ${reply.message}`);
  }

  /** An image is looked up before anything is decided, and a full disk answers for itself: neither knows what was answered before. */
  #compare({ commandId, wish }: Asked, before: Reply, now: Reply): void {
    if (isUnchangedStack(wish, before) || isUnchangedStack(wish, now)) return;
    if (now.kind === "refusal" && (now.code in imageRefusals || isStorageRefusal(now.code))) return;
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    this.#parts.report("a repeated command is answered alike", `${commandId}: ${JSON.stringify(before)} and then ${JSON.stringify(now)}`);
  }

  /** Undefined: no answer, as to a request whose connection broke. */
  async #call({ wish, commandId }: Asked, { host, bus, readsOf, process }: ControlPlaneLife): Promise<Reply | undefined> {
    const operation = this.#operations.get(wish.operation);
    if (operation === undefined || operation.effect === "stream") throw new Error(`no operation ${wish.operation}`);
    const context: OperationContext = {
      tenant: TENANT,
      meta: { commandId, principal: { kind: "user", id: "ada", role: "admin" }, via: "api", correlationId: commandId },
      host,
      bus,
      reads: readsOf(TENANT),
      sealed: this.#sealed,
      clock: process.clock,
      random: process.random,
      signal: new AbortController().signal,
    };
    try {
      return await operation.handle(inputOf(operation, wish), context);
    } catch (cause) {
      if (cause instanceof AskFailure) return undefined;
      throw cause;
    }
  }
}

function textOf({ operation, input, manifest }: Wish): string {
  return `${operation} ${JSON.stringify(manifest === undefined ? input : { prune: input["prune"], manifest })}`;
}

function inputOf(operation: Operation, wish: Wish): unknown {
  const parsed = operation.input.safeParse(wish.input);
  if (!parsed.success) throw new Error(`${wish.operation} does not take ${JSON.stringify(wish.input)}`, { cause: parsed.error });
  return parsed.data;
}
