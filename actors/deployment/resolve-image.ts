import { addressOf, subjectOf } from "../../runtime/address.ts";
import { defineRefusals, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { type AgentRequest, ResolveAnswer } from "../node/contract.ts";
import type { Failure } from "../node/observed-contract.ts";
import { knownImages, type KnownImages } from "../node/known-images.ts";
import { type ObservedNode, readNodes } from "../node/node-reads.ts";
import type { PinnedImage, PullPolicy } from "./contract.ts";
import { familiarRepository, splitReference } from "./image-name-contract.ts";
import type { Platform } from "./state.ts";

/** How long an agent may take to ask the registry. */
const RESOLVE_TIMEOUT_MS = 20_000;
/** How many nodes are asked at once: an image without a registry may be on one of them only. */
const NODES_ASKED = 5;

export const imageRefusals = defineRefusals({
  "image.not-found": {
    httpStatus: 422,
    retryable: false,
    message: ({ reference, why }: { reference: string; why: string }) =>
      `The image "${reference}" was not found: ${why} Check its name and tag, or load it on a node.`,
  },
  "image.access-denied": {
    httpStatus: 422,
    retryable: false,
    message: ({ reference, why }: { reference: string; why: string }) => `The registry does not let us read "${reference}": ${why}`,
  },
  "image.registry-unavailable": {
    httpStatus: 503,
    retryable: true,
    message: ({ reference, why }: { reference: string; why: string }) =>
      `The image "${reference}" cannot be had now, and no node asked has it: ${why} Nothing was changed; try again later.`,
  },
  "image.no-node": {
    httpStatus: 503,
    retryable: true,
    message: ({ reference }: { reference: string }) =>
      `No node is connected that could look up "${reference}". Bring a node back, or add one, then try again.`,
  },
});

export interface Resolved {
  readonly image: PinnedImage;
  readonly platforms: readonly Platform[];
}

const PINNED = /^(?<name>[^@\s]+)@(?<digest>sha256:[0-9a-f]{64})$/;

/** An image by its name, and where it may be had from. */
export interface NamedImage {
  readonly reference: string;
  readonly pull: PullPolicy | undefined;
}

/** What an image was pinned to, and where from. */
export interface KnownPin {
  readonly image: PinnedImage;
  readonly pull?: PullPolicy | undefined;
}

/** What is known to be what the name stands for stays pinned as it is; undefined: it has to be looked up. */
export function keptPin({ reference, pull }: NamedImage, known: KnownPin | undefined): Resolved | undefined {
  return known?.image.reference === reference && known.pull === pull ? { image: known.image, platforms: [] } : undefined;
}

/** Pins the image as it is now. The engines of the nodes ask the registry, because they have its credentials and its network. */
export async function resolveImage(named: NamedImage, context: OperationContext): Promise<Resolved | Refusal> {
  const { reference, pull } = named;
  const digest = PINNED.exec(reference)?.groups?.["digest"];
  if (digest !== undefined && pull !== "never") return { image: { reference, digest, source: "registry" }, platforms: [] };
  const nodes = await nodesToAsk(named, context);
  if (nodes.length === 0) return imageRefusals["image.no-node"]({ reference });
  const answers = await Promise.all(nodes.map((node) => ask(node, named, context)));
  const resolved = answers.filter((answer) => answer.kind === "resolved");
  const [best] = [...resolved.filter(({ image }) => image.source === "registry"), ...resolved];
  return best === undefined
    ? refusalOf(
        named,
        answers.flatMap((answer) => (answer.kind === "failed" ? [answer.failure] : [])),
      )
    : { image: best.image, platforms: best.platforms };
}

/** Those that have told to have it come first where nobody else can give it; then those that were heard of last. */
async function nodesToAsk({ reference, pull }: NamedImage, context: OperationContext): Promise<readonly string[]> {
  const nowMs = context.clock.nowMs();
  const nodes = [...(await readNodes(context))].filter(([, { view }]) => view.connection === "joined" && view.engine === "reachable");
  const lacks = (node: ObservedNode): number => (pull === "never" && !isTold(reference, knownImages(node, nowMs)) ? 1 : 0);
  const silentFor = ({ soft }: ObservedNode): number => Math.round((nowMs - (soft?.lastHeardAtMs ?? 0)) / 10_000);
  return nodes
    .toSorted(([a, one], [b, other]) => lacks(one) - lacks(other) || silentFor(one) - silentFor(other) || (a < b ? -1 : 1))
    .map(([name]) => name)
    .slice(0, NODES_ASKED);
}

function isTold(reference: string, known: KnownImages): boolean {
  return known.kind === "known" && known.names.has(`${familiarRepository(reference)}:${splitReference(reference).tag}`);
}

async function ask(
  node: string,
  { reference, pull }: NamedImage,
  { bus, tenant, signal, clock }: OperationContext,
): Promise<ResolveAnswer> {
  const question: AgentRequest = { kind: "resolve-image", reference, ...(pull !== undefined && { pull }) };
  try {
    const subject = subjectOf(addressOf(tenant, "agent", node));
    const answer = await bus.request(subject, question, { timeoutMs: RESOLVE_TIMEOUT_MS, signal });
    const parsed = ResolveAnswer.safeParse(answer);
    if (parsed.success) return parsed.data;
    const message = `The agent of ${node} does not understand the question: it is probably older than the control plane, and is to be upgraded.`;
    return { kind: "failed", failure: { code: "engine.unavailable", message, permanent: false, atMs: clock.nowMs() } };
  } catch (cause) {
    const message = `${node} could not be asked (${cause instanceof Error ? cause.message : String(cause)}).`;
    return { kind: "failed", failure: { code: "engine.unavailable", message, permanent: false, atMs: clock.nowMs() } };
  }
}

/** What the most of the nodes could tell: that there is no such image weighs more than that one could not ask. */
const WEIGHT: readonly Failure["code"][] = ["image.registry-unavailable", "image.access-denied", "image.not-found"];

function refusalOf({ reference, pull }: NamedImage, failures: readonly Failure[]): Refusal {
  const [failure] = [...failures].sort((a, b) => WEIGHT.indexOf(b.code) - WEIGHT.indexOf(a.code));
  const why = failure?.message ?? "no node could be asked.";
  switch (failure?.code) {
    case "image.not-found":
      return imageRefusals["image.not-found"]({
        reference,
        why: pull === "never" ? "none of the nodes that were asked has it, and it is to be pulled from nowhere." : why,
      });
    case "image.access-denied":
      return imageRefusals["image.access-denied"]({ reference, why });
    default:
      return imageRefusals["image.registry-unavailable"]({ reference, why });
  }
}
