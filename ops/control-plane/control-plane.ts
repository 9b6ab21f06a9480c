import type { Registry } from "prom-client";
import type { OperationContext } from "../../actors/catalogue.ts";
import { certificatesActor } from "../../actors/certificate/actor.ts";
import type { CertificatesCommand } from "../../actors/certificate/commands.ts";
import { Supplies } from "../../actors/certificate/supply.ts";
import { deploymentActor } from "../../actors/deployment/actor.ts";
import { hostNamesActor } from "../../actors/host-name/actor.ts";
import { ingressActor } from "../../actors/ingress/actor.ts";
import type { IngressSoft } from "../../actors/ingress/edge.ts";
import { nodeActor } from "../../actors/node/actor.ts";
import { operationRefusals, operations } from "../../actors/operations.ts";
import { schedulerActor } from "../../actors/scheduler/actor.ts";
import { stackActor } from "../../actors/stack/actor.ts";
import { tenantActor, type FoundTenant } from "../../actors/tenant/actor.ts";
import { ActorHost } from "../../runtime/actor-host.ts";
import { addressOf } from "../../runtime/address.ts";
import type { Bus } from "../../runtime/bus.ts";
import type { Meta, ReadModel } from "../../runtime/journal.ts";
import type { Log } from "../../runtime/log.ts";
import type { Meter } from "../../runtime/meter.ts";
import { observeActors } from "../../runtime/metrics.ts";
import { nactTurns } from "../../runtime/nact-turns.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";
import type { SealedStore } from "../../storage/sealed-port.ts";
import type { Authenticator } from "../../web/api/auth/identity.ts";
import { startApi, type Api, type ListenOptions } from "../../web/api/server.ts";
import { AcmeClient } from "../certificates/acme-client.ts";
import { certificateMaker } from "../certificates/certificate-maker.ts";
import { exitCodes } from "../start/exit-codes.mjs";
import { StartFailure } from "./failure.ts";
import { HeldTenants, type HeldTenant } from "./held-tenants.ts";
import type { Home } from "./home.ts";
import { observeIngress } from "./ingress-metrics.ts";
import { ReadinessWatch } from "./readiness.ts";

const FOUND_TIMEOUT_MS = 30_000;

export interface ControlPlaneParts {
  readonly home: Pick<Home, "tenants" | "masterKeys">;
  /** Those that live here. Whoever `auth` knows belongs to one of them. */
  readonly tenants: readonly string[];
  readonly auth: Authenticator;
  readonly bus: Bus;
  readonly listen: ListenOptions;
  readonly log: Log;
  readonly meter: Meter;
  readonly metrics: Registry;
  readonly version: string;
  /** Another process owns a tenant now: this one can do nothing more. */
  readonly onFenced: () => void;
}

export interface ControlPlane {
  readonly api: Api;
  readonly host: ActorHost;
  readonly readsOf: (tenant: string) => ReadModel;
  /** In order: no new requests, what was decided is written and answered, then the files are closed. The bus is the caller's. */
  stop(): Promise<void>;
}

/** Puts the parts together: storage, actors, API. Rejects with what `startFailureOf` understands. */
export async function startControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const { home, tenants, bus } = parts;
  const held = await HeldTenants.open({ directory: home.tenants, masterKeys: home.masterKeys, tenants });
  try {
    const readiness = new ReadinessWatch({ directory: home.tenants, bus, clock: systemClock });
    const host = newHost({ ...parts, meter: readiness.watching(parts.meter) }, held);
    for (const { tenant, journal, epoch } of held.all) {
      await host.addTenant({ tenant, journal, epoch });
      await found(host, tenant);
    }
    for (const tenant of tenants) openKeys(host, held.of(tenant));
    host.start();
    observeActors(parts.metrics, host);
    observeIngress(parts.metrics, host, systemClock);
    const api = await startApi({
      ...parts,
      operations,
      errors: operationRefusals,
      clock: systemClock,
      random: systemRandom,
      ready: () => readiness.look(),
      contextFor: (facts): OperationContext => {
        const { reads, sealed } = held.of(facts.tenant);
        return { ...facts, host, bus, reads, sealed, clock: systemClock, random: systemRandom };
      },
    });
    return {
      api,
      host,
      readsOf: (tenant) => held.of(tenant).reads,
      async stop() {
        await api.stop();
        await host.stop();
        await held.close();
      },
    };
  } catch (error) {
    await held.close();
    throw error;
  }
}

async function found(host: ActorHost, tenant: string): Promise<void> {
  const command: FoundTenant = { kind: "found" };
  const reply = await host.ask(addressOf(tenant), command, systemMeta(`found/${tenant}`), { timeoutMs: FOUND_TIMEOUT_MS });
  if (reply.kind === "refusal")
    throw new StartFailure(reply.message, reply.code === "storage.disk-full" ? exitCodes.diskFull : exitCodes.diskReadOnly);
}

function systemMeta(commandId: string): Meta {
  return { commandId, principal: { kind: "system", id: "odysseus", role: "system" }, via: "system", correlationId: "start" };
}

/** Ingress nodes are told nothing before the keys of the certificates have been opened, also where there are none yet. */
function openKeys(host: ActorHost, { tenant, epoch }: HeldTenant): void {
  const command: CertificatesCommand = { kind: "wake" };
  host.tell(addressOf(tenant, "certificates"), command, systemMeta(`open-keys/${epoch}`));
}

function newHost(parts: ControlPlaneParts, held: HeldTenants): ActorHost {
  const sealedOf = (tenant: string): SealedStore => held.of(tenant).sealed;
  const outside = { clock: systemClock, bus: parts.bus, epochOf: (tenant: string) => held.of(tenant).epoch, sealedOf };
  const supplies = new Supplies();
  const certificates = certificatesActor({
    clock: systemClock,
    log: parts.log,
    sealedOf,
    maker: certificateMaker,
    authority: new AcmeClient(systemClock),
    nodes: { lacking: (tenant, version) => lackingNodes(host, tenant, version) },
    supplies,
  });
  const host: ActorHost = new ActorHost({
    ...parts,
    clock: systemClock,
    random: systemRandom,
    turns: nactTurns(),
    definitions: [
      hostNamesActor,
      tenantActor({ resume: (address, poison) => void host.resume(address, poison) }),
      deploymentActor,
      stackActor,
      schedulerActor,
      nodeActor(outside),
      ingressActor({ ...outside, keys: supplies }),
      certificates,
    ],
    servedKinds: ["node"],
    remoteKinds: ["agent"],
    onFenced: parts.onFenced,
  });
  return host;
}

function lackingNodes(host: ActorHost, tenant: string, version: number): string | undefined {
  const ingress = host.soft(addressOf(tenant, "ingress")) as IngressSoft | undefined;
  return ingress === undefined ? "the ingress has not begun yet" : ingress.lacking(version);
}
