import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Operation } from "../../actors/catalogue.ts";
import { AskFailure, type Reply } from "../../runtime/actor.ts";
import type { Refusal } from "../../runtime/refusal.ts";
import { callOf, KeyMemories, type Call, type CallOptions } from "./call.ts";
import { apiRefusals } from "./errors.ts";
import { streamEvents, type StreamRegistry } from "./event-stream.ts";
import { inputLayout, routePath, type InputLayout } from "./input.ts";
import { Problem, PROBLEM_MEDIA_TYPE, refusalOfAskFailure, sendProblem } from "./problems.ts";

export const API_PREFIX = "/api/v1";

/** Makes a route of every operation of the catalogue. Nothing here knows an operation by its name. */
export function installOperations(
  app: FastifyInstance,
  operations: readonly Operation[],
  options: CallOptions,
  streams: StreamRegistry,
): void {
  const memories = new KeyMemories(options.clock.nowMs());
  for (const operation of operations) {
    const layout = inputLayout(operation);
    app.route({
      method: operation.http.method,
      url: `${API_PREFIX}${routePath(operation.http.path)}`,
      ...(operation.bodyLimitBytes === undefined ? {} : { bodyLimit: operation.bodyLimitBytes }),
      schema: documentation(operation, layout),
      config: { operation: operation.name },
      handler: async (request, reply) => {
        const left = new AbortController();
        reply.raw.once("close", () => left.abort());
        const call = callOf(operation, layout, request, left.signal, options);
        if (call.kind === "refusal") return sendProblem(request, reply, call);
        if (operation.effect === "stream") {
          const lastEventId = request.headers["last-event-id"];
          const items = operation.open(call.input, call.context, typeof lastEventId === "string" ? lastEventId : undefined);
          return streamEvents(request, reply, items, left, options, streams);
        }
        return answer(request, reply, await carryOut(operation, call, memories, options));
      },
    });
  }
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Name in the catalogue, for logs and metrics. */
    readonly operation?: string;
  }
}

type Callable = Exclude<Operation, { readonly effect: "stream" }>;

async function carryOut(operation: Callable, call: Call, memories: KeyMemories, options: CallOptions): Promise<Reply> {
  const memory = call.isKeyed ? memories.of(call.context) : undefined;
  const { commandId } = call.context.meta;
  const taken = await memory?.take(commandId, options.clock.nowMs());
  if (taken === "mismatch") return apiRefusals["idempotency.mismatch"]({ operation: operation.name });
  const reply = await handle(operation, call);
  // A refusal did nothing, and actors remember none: the key is free again.
  if (reply.kind === "refusal" && taken === "taken" && reply.httpStatus < 500) memory?.release(commandId);
  return reply;
}

async function handle(operation: Callable, call: Call): Promise<Reply> {
  try {
    return await operation.handle(call.input, call.context);
  } catch (error) {
    if (error instanceof AskFailure) return refusalOfAskFailure(error, operation.name);
    throw error;
  }
}

function answer(request: FastifyRequest, reply: FastifyReply, outcome: Reply | Refusal): FastifyReply {
  if (outcome.kind === "refusal") return sendProblem(request, reply, outcome);
  const tag = generationTag(outcome.value);
  if (tag !== undefined) reply.header("etag", tag);
  return reply.type("application/json; charset=utf-8").send(JSON.stringify(outcome.value ?? null));
}

/** Whatever has a generation is tagged with it, so that a write can say which one it was made for. */
function generationTag(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { generation } = value as { readonly generation?: unknown };
  return typeof generation === "number" ? `"${generation}"` : undefined;
}

const WRITE_HEADERS = {
  "idempotency-key": z.string().min(1).max(200).optional().describe("The same key acts once; a repetition gets the first answer."),
  "if-match": z.string().optional().describe('The generation you have seen, as in ETag: "7".'),
};
const STREAM_HEADERS = { "last-event-id": z.string().optional().describe("Id of the last event received: the stream goes on after it.") };

/** What the OpenAPI document says about an operation. */
function documentation(operation: Operation, layout: InputLayout): Record<string, unknown> {
  const pick = (names: readonly string[]) =>
    z.strictObject(Object.fromEntries(names.map((name) => [name, layout.fields[name] as z.ZodType])));
  const rest = Object.keys(layout.fields).filter((name) => !layout.pathFields.includes(name));
  const headers = operation.effect === "read" ? undefined : z.object(operation.effect === "stream" ? STREAM_HEADERS : WRITE_HEADERS);
  const success = operation.effect === "stream" ? { content: { "text/event-stream": { schema: operation.output } } } : operation.output;
  return {
    operationId: operation.name,
    summary: operation.title,
    description: operation.description,
    tags: [operation.name.split(".", 1)[0]],
    ...(layout.pathFields.length > 0 ? { params: pick(layout.pathFields) } : {}),
    ...(rest.length > 0 && layout.rest === "query" ? { querystring: pick(rest) } : {}),
    ...(rest.length > 0 && layout.rest === "body" ? { body: pick(rest) } : {}),
    ...(headers === undefined ? {} : { headers }),
    response: {
      200: success,
      default: { description: "A problem (RFC 9457).", content: { [PROBLEM_MEDIA_TYPE]: { schema: Problem } } },
    },
    "x-effect": operation.effect,
    "x-roles": operation.roles,
    "x-errors": operation.errors,
    "x-example": `odysseus ${operation.example}`,
  };
}
