import type { z } from "zod";
import type { Host, Reply } from "../runtime/actor.ts";
import type { Bus } from "../runtime/bus.ts";
import type { Clock, Random } from "../runtime/clock.ts";
import type { Meta, Principal, ReadModel } from "../runtime/journal.ts";
import type { SealedStore } from "../storage/sealed-port.ts";

/** What an operation's handler works with. Made per request by the adapter that received it. */
export interface OperationContext {
  readonly tenant: string;
  readonly meta: Meta;
  readonly host: Host;
  readonly bus: Bus;
  readonly reads: ReadModel;
  /** The tenant's secrets. */
  readonly sealed: SealedStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** From `If-Match`: the generation the caller has seen. */
  readonly ifGeneration?: number;
}

export type Role = Exclude<Principal["role"], "system">;
export type Category =
  | "stacks"
  | "deployments"
  | "containers"
  | "nodes"
  | "volumes"
  | "ingress"
  | "certificates"
  | "events"
  | "audit"
  | "actors";

interface OperationBase<Input extends z.ZodType, Output extends z.ZodType> {
  /** `deployments.scale`: the noun and the verb of every surface. */
  readonly name: `${Category}.${string}`;
  /** One line, imperative: what it does. */
  readonly title: string;
  /** A paragraph for the documentation: effect, errors, an example. */
  readonly description: string;
  readonly input: Input;
  readonly output: Output;
  readonly roles: readonly Role[];
  /** Refusals it may answer with, beyond those every operation has. */
  readonly errors: readonly string[];
  /** REST: method and path under /api/v1; `{name}` is taken from the input field of that name, the rest from query (GET, DELETE) or body. */
  readonly http: { readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"; readonly path: string };
  /** Where its input may be larger than that of others. */
  readonly bodyLimitBytes?: number;
  /** A call as a person types it after `odysseus`, for help texts. */
  readonly example: string;
}

/** Defined once; REST, OpenAPI, CLI, MCP tools, role matrix and audit are derived. No adapter knows an operation by name. */
export type Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> =
  | (OperationBase<Input, Output> & {
      readonly effect: "read" | "write" | "destructive";
      readonly handle: (input: z.output<Input>, context: OperationContext) => Promise<Reply>;
    })
  /**
   * Yields values of the output schema until done or aborted. `id` resumes it (`Last-Event-ID`). The first item comes at once, so that the reader knows the
   * stream is open. An item whose data is a `Refusal` ends the stream; as first item it is the whole answer.
   */
  | (OperationBase<Input, Output> & {
      readonly effect: "stream";
      readonly open: (input: z.output<Input>, context: OperationContext, lastEventId: string | undefined) => AsyncIterable<StreamItem>;
    });

export interface StreamItem {
  readonly id?: string;
  readonly event: string;
  readonly data: unknown;
}

/** Keeps the link between a handler's input and its schema, then forgets it so that operations of all kinds share one list. */
export function defineOperation<Input extends z.ZodType, Output extends z.ZodType>(operation: Operation<Input, Output>): Operation {
  return operation as unknown as Operation;
}
