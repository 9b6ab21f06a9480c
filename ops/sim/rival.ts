import { PinnedTemplate } from "../../actors/deployment/contract.ts";
import type { PersonCommand } from "../../actors/deployment/commands.ts";
import { reserveFrontends } from "../../actors/deployment/reserve.ts";
import { AskFailure } from "../../runtime/actor.ts";
import { addressOf } from "../../runtime/address.ts";
import { isRefusal } from "../../runtime/refusal.ts";
import type { SimLoop } from "../../runtime/simulation/sim-loop.ts";
import { memorySealedStore } from "../../storage/memory-sealed.ts";
import type { ControlPlaneLife, SimControlPlane } from "./sim-control-plane.ts";
import { oneOf } from "./ingredients.ts";
import { RIVAL } from "./tenant.ts";
import type { Trace } from "./trace.ts";
import { DEPLOYMENTS } from "./wishes.ts";

/** Without an answer for so long the same is asked again, under the same id. */
const PATIENCE_MS = 20_000;
const TIMEOUT_MS = 15_000;
const LONGEST_PAUSE_MS = 2_000;
const LEAVING_SHARE = 0.3;
/** Of what is published, so much comes too late for its reservation, or never had one: then the names are taken when the deployment wants them. */
const UNRESERVED_SHARE = 0.2;
/** What the other tenant's deployments may have, one by one and all at once. */
const HOSTS = [...DEPLOYMENTS.map((name) => `${name}.example.com`), "*.example.com"] as const;
const SITES = ["site", "mirror"] as const;

interface RivalWish {
  readonly id: string;
  readonly site: string;
  readonly command: PersonCommand;
  readonly isReserved: boolean;
}

/** Someone of another tenant, who publishes the same host names: deployments without replicas, so that nothing but the names is wanted. */
export class Rival {
  readonly #loop: SimLoop;
  readonly #controlPlane: SimControlPlane;
  readonly #trace: Trace;
  #asked = 0;
  #answered = 0;

  constructor({ loop, controlPlane, trace }: { readonly loop: SimLoop; readonly controlPlane: SimControlPlane; readonly trace: Trace }) {
    this.#loop = loop;
    this.#controlPlane = controlPlane;
    this.#trace = trace;
  }

  get isSatisfied(): boolean {
    return this.#answered === this.#asked;
  }

  /** Publishes something, or gives it back. */
  act(): void {
    const { random } = this.#loop;
    const site = oneOf(random, SITES);
    if (random.next() < LEAVING_SHARE) this.#ask(site, { kind: "delete" });
    else this.#ask(site, { kind: "apply", template: published([oneOf(random, HOSTS), oneOf(random, HOSTS)]), platforms: [], replicas: 0 });
  }

  /** Gives everything back. */
  leave(): void {
    for (const site of SITES) this.#ask(site, { kind: "delete" });
  }

  #ask(site: string, command: PersonCommand): void {
    this.#asked += 1;
    const id = `rival-${this.#asked}`;
    this.#trace.add(`rival: ${id} ${command.kind} ${site} ${JSON.stringify("template" in command ? command.template.routes : [])}`);
    void this.#send({ id, site, command, isReserved: this.#loop.random.next() >= UNRESERVED_SHARE });
  }

  async #send(wish: RivalWish): Promise<void> {
    const { life } = this.#controlPlane;
    const again = (): void => void this.#send(wish);
    if (life === undefined) return void this.#loop.after(this.#loop.random.next() * LONGEST_PAUSE_MS, again);
    const patience = this.#loop.after(PATIENCE_MS, again);
    const outcome = await call(life, wish);
    if (outcome === undefined || !life.process.isAlive) return;
    patience.cancel();
    this.#trace.add(`rival: ${wish.id} is answered ${outcome}`);
    this.#answered += 1;
  }
}

function published(hosts: readonly string[]): PinnedTemplate {
  return PinnedTemplate.parse({
    image: { reference: "app:1", digest: `sha256:${"0".repeat(64)}`, source: "registry" },
    ports: [{ containerPort: 80 }],
    routes: [...new Set(hosts)].map((host) => ({ host, tls: "off" })),
  });
}

/** As the operations do it, without looking an image up: this tenant has no node that could. Undefined: no answer. */
async function call(
  { host, bus, readsOf, process }: ControlPlaneLife,
  { id: commandId, site: deployment, command, isReserved }: RivalWish,
): Promise<string | undefined> {
  const meta = { commandId, principal: { kind: "user", id: "eve", role: "admin" }, via: "api", correlationId: commandId } as const;
  const context = {
    tenant: RIVAL,
    meta,
    host,
    bus,
    reads: readsOf(RIVAL),
    sealed: memorySealedStore(),
    clock: process.clock,
    random: process.random,
    signal: new AbortController().signal,
  };
  try {
    const intended = isReserved ? [{ deployment, command }] : [];
    const reserved = await reserveFrontends(intended, `deployments.${command.kind}`, context, TIMEOUT_MS);
    if (isRefusal(reserved)) return reserved.code;
    const reply = await host.ask(addressOf(RIVAL, "deployment", deployment), command, meta, { timeoutMs: TIMEOUT_MS });
    return isRefusal(reply) ? reply.code : "ok";
  } catch (cause) {
    if (cause instanceof AskFailure) return undefined;
    throw cause;
  }
}
