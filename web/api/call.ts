import type { FastifyRequest } from "fastify";
import type { Operation, OperationContext } from "../../actors/catalogue.ts";
import type { Clock, Random } from "../../runtime/clock.ts";
import type { Meta, Via } from "../../runtime/journal.ts";
import type { Log } from "../../runtime/log.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import type { Identity } from "./auth/identity.ts";
import { apiRefusals } from "./errors.ts";
import { commandIdOf, KeyMemory } from "./idempotency.ts";
import { parseInput, type InputLayout } from "./input.ts";

/** What a request is known by when its context is made. */
export interface CallFacts {
  readonly tenant: string;
  readonly meta: Meta;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  readonly ifGeneration?: number;
}

export interface CallOptions {
  readonly contextFor: (facts: CallFacts) => OperationContext;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A request that may be carried out: parsed, allowed, and with the id of its command. */
export interface Call {
  readonly kind: "call";
  readonly input: unknown;
  readonly context: OperationContext;
  /** The caller chose the command id: a repetition is answered alike. */
  readonly isKeyed: boolean;
}

const KEY = /^[\x21-\x7e]{1,200}$/;
const STRONG_TAG = /^"(\d{1,15})"$/;

/** What all operations have in common before their handler is asked. */
export function callOf(
  operation: Operation,
  layout: InputLayout,
  request: FastifyRequest,
  signal: AbortSignal,
  options: CallOptions,
): Call | Refusal {
  const { identity } = request;
  if (identity === undefined) return apiRefusals["auth.required"]({ scheme: "Bearer" });
  const { role } = identity.principal;
  if (!operation.roles.some((allowed) => allowed === role)) {
    return apiRefusals["auth.role-missing"]({ operation: operation.name, role, roles: operation.roles });
  }
  const ifGeneration = generationOf(request.headers["if-match"]);
  if (typeof ifGeneration === "object") return ifGeneration;
  const input = parseInput(layout, {
    path: request.params as Readonly<Record<string, string>>,
    query: request.query as Readonly<Record<string, string | readonly string[]>>,
    body: request.body,
  });
  if (input.kind === "refusal") return input;
  const key = keyOf(operation, request);
  if (typeof key === "object") return key;
  const commandId =
    key === undefined
      ? `req-${options.random.id()}`
      : commandIdOf({ tenant: identity.tenant, principalId: identity.principal.id, operation: operation.name, key }, input.raw);
  const meta: Meta = { commandId, principal: identity.principal, via: viaOf(identity, request), correlationId: request.id };
  const context = options.contextFor({ tenant: identity.tenant, meta, signal, ...(ifGeneration === undefined ? {} : { ifGeneration }) });
  return { kind: "call", input: input.value, context, isKeyed: key !== undefined };
}

/** Memories of keys, one per tenant. */
export class KeyMemories {
  readonly #byTenant = new Map<string, KeyMemory>();
  readonly #startedAtMs: number;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  of(context: OperationContext): KeyMemory {
    let memory = this.#byTenant.get(context.tenant);
    if (memory === undefined) {
      memory = new KeyMemory(context.reads, this.#startedAtMs);
      this.#byTenant.set(context.tenant, memory);
    }
    return memory;
  }
}

function keyOf(operation: Operation, request: FastifyRequest): string | undefined | Refusal {
  if (operation.effect === "read" || operation.effect === "stream") return undefined;
  const key = request.headers["idempotency-key"];
  if (key === undefined || (typeof key === "string" && KEY.test(key))) return key;
  return apiRefusals["request.invalid"]({
    errors: [{ in: "header", pointer: "Idempotency-Key", message: "must be 1 to 200 printable ASCII characters without spaces" }],
  });
}

/** A number; undefined when any generation will do. */
function generationOf(ifMatch: string | undefined): number | undefined | Refusal {
  if (ifMatch === undefined || ifMatch.trim() === "*") return undefined;
  const [, digits] = STRONG_TAG.exec(ifMatch.trim()) ?? [];
  if (digits !== undefined) return Number(digits);
  return apiRefusals["request.invalid"]({
    errors: [{ in: "header", pointer: "If-Match", message: 'must be one strong tag as it was given in ETag, like "7", or *' }],
  });
}

function viaOf(identity: Identity, request: FastifyRequest): Via {
  if (identity.by === "session") return "dashboard";
  return request.headers["user-agent"]?.startsWith("odysseus-cli") === true ? "cli" : "api";
}
