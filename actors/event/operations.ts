import { z } from "zod";
import type { Address } from "../../runtime/address.ts";
import type { StoredEvent } from "../../runtime/journal.ts";
import { defineOperation, type Operation, type OperationContext } from "../catalogue.ts";
import { DeploymentName } from "../deployment/contract.ts";
import { NodeName } from "../node/operations.ts";
import { Limit, page, pageOf } from "../paging.ts";
import { READERS } from "../read-roles.ts";
import { EventView, eventView, streamOf } from "./event-view.ts";
import { followEvents } from "./event-stream.ts";

const Offset = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Windows of the journal looked through backwards for the newest events of one stream; each is twice as wide as the one before. */
const MAX_WINDOWS = 20;

const source = {
  deployment: DeploymentName.optional().describe("Only events of this deployment."),
  node: NodeName.optional().describe("Only events of this node."),
};

const isOneSource = ({ deployment, node }: { readonly deployment?: string | undefined; readonly node?: string | undefined }): boolean =>
  deployment === undefined || node === undefined;
const ONE_SOURCE = { message: "give either a deployment or a node", path: ["node"] };

/** Reading operations of events. */
export const eventReads: readonly Operation[] = [
  defineOperation({
    name: "events.list",
    title: "List what happened",
    description: "Events of the journal in their order: those after a position, or the newest ones. `next` is the position to go on after.",
    input: z
      .strictObject({ ...source, afterOffset: Offset.optional().describe("Only events after this position."), limit: Limit })
      .refine(isOneSource, ONE_SOURCE),
    output: pageOf(EventView),
    roles: READERS,
    errors: [],
    http: { method: "GET", path: "/events" },
    example: "events",
    effect: "read",
    handle: async ({ deployment, node, afterOffset, limit }, context) => {
      const stream = streamOf(context.tenant, deployment, node);
      if (afterOffset === undefined) return newest(context, stream, limit);
      const found = await context.reads.events({ afterOffset, limit, ...(stream === undefined ? {} : { stream }) });
      return page(found.items.map(eventView), found.next, found.asOfOffset);
    },
  }),
  defineOperation({
    name: "events.stream",
    title: "Follow what happens",
    description:
      "Events as they are committed: after a position, or from now on. The id of each is its position; resume with Last-Event-ID.",
    input: z
      .strictObject({ ...source, afterOffset: Offset.optional().describe("Begin after this position instead of now.") })
      .refine(isOneSource, ONE_SOURCE),
    output: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("opened"), afterOffset: z.int() }),
      z.object({ kind: z.literal("event"), event: EventView }),
    ]),
    roles: READERS,
    errors: ["events.unknown-position"],
    http: { method: "GET", path: "/events/stream" },
    example: "events -f",
    effect: "stream",
    open: ({ deployment, node, afterOffset }, context, lastEventId) =>
      followEvents(context, streamOf(context.tenant, deployment, node), afterOffset, lastEventId),
  }),
];

/** The last `limit` events, oldest of them first. */
async function newest(context: OperationContext, stream: Address | undefined, limit: number) {
  const { asOfOffset } = await context.reads.events({ afterOffset: Number.MAX_SAFE_INTEGER, limit: 1 });
  const found: StoredEvent[] = [];
  let untilOffset = asOfOffset;
  for (let window = 0, width = limit; window < MAX_WINDOWS && untilOffset > 0 && found.length < limit; window += 1, width *= 2) {
    const afterOffset = Math.max(0, untilOffset - width);
    found.unshift(...(await between(context, stream, afterOffset, untilOffset)));
    untilOffset = afterOffset;
  }
  return page(found.slice(-limit).map(eventView), undefined, asOfOffset);
}

async function between(
  context: OperationContext,
  stream: Address | undefined,
  afterOffset: number,
  untilOffset: number,
): Promise<readonly StoredEvent[]> {
  const found: StoredEvent[] = [];
  let position = afterOffset;
  for (;;) {
    const { items, next } = await context.reads.events({
      afterOffset: position,
      limit: 1_000,
      ...(stream === undefined ? {} : { stream }),
    });
    found.push(...items.filter((event) => event.offset <= untilOffset));
    const last = items.at(-1);
    if (last === undefined || next === undefined || last.offset >= untilOffset) return found;
    position = last.offset;
  }
}
