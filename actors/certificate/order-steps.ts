import type { SealedStore } from "../../storage/sealed-port.ts";
import { pause } from "./abortable.ts";
import type { OrderNews } from "./commands.ts";
import { openedText, sealedText } from "./key-texts.ts";
import { readPair } from "./pem.ts";
import { AcmeFailure, type AcmeAccountSession, type WorkSurroundings } from "./ports.ts";
import type { OrderStep } from "./state.ts";

/** How often it is looked whether every ingress node serves a challenge. */
const NODES_POLL_MS = 100;
/** How often the authority is asked whether it is done. */
const AUTHORITY_POLL_MS = 1_000;

interface OrderSurroundings extends WorkSurroundings {
  readonly host: string;
  readonly session: AcmeAccountSession;
  readonly sealed: Pick<SealedStore, "seal" | "open">;
}

type At<Step extends OrderStep["step"]> = Extract<OrderStep, { step: Step }>;

/** Takes an order one step further. Whatever a process that died had done of the step already is found done. */
export function orderSteps(at: OrderStep, around: OrderSurroundings): Promise<OrderNews> {
  switch (at.step) {
    case "placing":
      return place(around);
    case "publishing":
      return publish(at, around);
    case "validating":
      return validate(at, around);
    case "making-key":
      return makeKey(around);
    case "issuing":
      return issue(at, around);
  }
}

async function place({ host, session, ports, say }: OrderSurroundings): Promise<OrderNews> {
  const { authority } = ports;
  say("waiting for the authority to take the order");
  const { url, authorizations } = await authority.place(session, host);
  const [authorizationUrl] = authorizations;
  if (authorizationUrl === undefined) throw new AcmeFailure("refused", "the authority did not say how the host is to be proved");
  const { status, challenge } = await authority.authorization(session, authorizationUrl);
  if (status === "valid") return { kind: "authorized", url };
  if (challenge === undefined) throw new AcmeFailure("refused", "the authority offers no proof over HTTP (HTTP-01) for this host");
  const keyAuthorization = authority.keyAuthorization(session.key, challenge.token);
  return { kind: "offered", url, challenge: { ...challenge, authorizationUrl, keyAuthorization } };
}

/** The authority looks from several places, and a load balancer or DNS may lead it to any node: it is told once all of them answer. */
async function publish({ challenge, version }: At<"publishing">, around: OrderSurroundings): Promise<OrderNews> {
  const { session, ports, tenant, signal, say } = around;
  for (;;) {
    const lacking = ports.nodes.lacking(tenant, version);
    if (lacking === undefined) break;
    say(`waiting until every ingress node answers the challenge: ${lacking}`);
    await pause(ports.clock, NODES_POLL_MS, signal);
  }
  say("telling the authority that it may look");
  const { status } = await ports.authority.authorization(session, challenge.authorizationUrl);
  if (status === "pending") await ports.authority.tell(session, challenge.url);
  return { kind: "told" };
}

async function validate(
  { url, challenge }: At<"validating">,
  { session, ports, signal, say, host }: OrderSurroundings,
): Promise<OrderNews> {
  say(`waiting for the authority to look at http://${host}/.well-known/acme-challenge/`);
  for (;;) {
    const { status, problem } = await ports.authority.authorization(session, challenge.authorizationUrl);
    if (status === "valid") return { kind: "authorized", url };
    if (status !== "pending") throw new AcmeFailure("refused", problem ?? `the authority ended the proof as ${status}`);
    await pause(ports.clock, AUTHORITY_POLL_MS, signal);
  }
}

async function makeKey({ ports, sealed, host }: OrderSurroundings): Promise<OrderNews> {
  return { kind: "key-made", key: await sealedText(sealed, `certificate/${host}`, await ports.maker.newKey()) };
}

async function issue({ url, key: reference }: At<"issuing">, around: OrderSurroundings): Promise<OrderNews> {
  const { session, ports, sealed, host, signal, say } = around;
  const key = await openedText(sealed, reference);
  say("waiting for the authority to issue the certificate");
  for (;;) {
    const order = await ports.authority.order(session, url);
    if (order.status === "valid" && order.certificate !== undefined) {
      const read = readPair(await ports.authority.download(session, order.certificate), key);
      if (read.kind === "problems")
        throw new AcmeFailure("refused", `what the authority issued cannot be used: ${read.problems.join("; ")}`);
      return { kind: "issued", certificate: { ...read.facts, chain: read.chain, key: reference } };
    }
    if (order.status === "invalid") throw new AcmeFailure("refused", order.problem ?? "the authority ended the order");
    if (order.status === "ready") await ports.authority.finalize(session, order.finalize, await ports.maker.request(key, host));
    await pause(ports.clock, AUTHORITY_POLL_MS, signal);
  }
}
