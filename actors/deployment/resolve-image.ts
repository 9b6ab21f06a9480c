import { addressOf, subjectOf } from "../../runtime/address.ts";
import { defineRefusals, type Refusal } from "../../runtime/refusal.ts";
import type { OperationContext } from "../catalogue.ts";
import { ResolveAnswer, type Failure } from "../node/contract.ts";
import type { NodeSoft } from "../views.ts";
import type { PinnedImage } from "./contract.ts";
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

/** Pins the image as it is now. The engines of the nodes ask the registry, because they have its credentials and its network. */
export async function resolveImage(reference: string, context: OperationContext): Promise<Resolved | Refusal> {
  const pinned = PINNED.exec(reference)?.groups;
  if (pinned?.["digest"] !== undefined) return { image: { reference, digest: pinned["digest"], source: "registry" }, platforms: [] };
  const nodes = await connectedNodes(context);
  if (nodes.length === 0) return imageRefusals["image.no-node"]({ reference });
  const answers = await Promise.all(nodes.map((node) => ask(node, reference, context)));
  const resolved = answers.filter((answer) => answer.kind === "resolved");
  const [best] = [...resolved.filter(({ image }) => image.source === "registry"), ...resolved];
  return best === undefined
    ? refusalOf(
        reference,
        answers.flatMap((answer) => (answer.kind === "failed" ? [answer.failure] : [])),
      )
    : { image: best.image, platforms: best.platforms };
}

async function connectedNodes({ reads, host, tenant, clock }: OperationContext): Promise<readonly string[]> {
  const { items } = await reads.rows({ kind: "node", where: { connection: "joined", engine: "reachable" }, limit: 1_000 });
  const heardAtMs = (name: string): number => (host.soft(addressOf(tenant, "node", name)) as NodeSoft | undefined)?.lastHeardAtMs ?? 0;
  const nowMs = clock.nowMs();
  return items
    .map(({ id }) => id)
    .sort((a, b) => Math.round((nowMs - heardAtMs(a)) / 10_000) - Math.round((nowMs - heardAtMs(b)) / 10_000) || (a < b ? -1 : 1))
    .slice(0, NODES_ASKED);
}

async function ask(node: string, reference: string, { bus, tenant, signal, clock }: OperationContext): Promise<ResolveAnswer> {
  try {
    const subject = subjectOf(addressOf(tenant, "agent", node));
    return ResolveAnswer.parse(await bus.request(subject, { kind: "resolve-image", reference }, { timeoutMs: RESOLVE_TIMEOUT_MS, signal }));
  } catch (cause) {
    const message = `${node} could not be asked (${cause instanceof Error ? cause.message : String(cause)}).`;
    return { kind: "failed", failure: { code: "engine.unavailable", message, permanent: false, atMs: clock.nowMs() } };
  }
}

/** What the most of the nodes could tell: that there is no such image weighs more than that one could not ask. */
const WEIGHT: readonly Failure["code"][] = ["image.registry-unavailable", "image.access-denied", "image.not-found"];

function refusalOf(reference: string, failures: readonly Failure[]): Refusal {
  const [failure] = [...failures].sort((a, b) => WEIGHT.indexOf(b.code) - WEIGHT.indexOf(a.code));
  const why = failure?.message ?? "no node could be asked.";
  switch (failure?.code) {
    case "image.not-found":
      return imageRefusals["image.not-found"]({ reference, why });
    case "image.access-denied":
      return imageRefusals["image.access-denied"]({ reference, why });
    default:
      return imageRefusals["image.registry-unavailable"]({ reference, why });
  }
}
