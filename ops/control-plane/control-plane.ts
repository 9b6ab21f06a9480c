import type { Registry } from "prom-client";
import type { OperationContext } from "../../actors/catalogue.ts";
import { certificatesActor } from "../../actors/certificate/actor.ts";
import type { CertificatesCommand } from "../../actors/certificate/commands.ts";
import { Supplies } from "../../actors/certificate/supply.ts";
import { deploymentActor } from "../../actors/deployment/actor.ts";
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
import { openMasterKeys } from "../../storage/master-keys.ts";
import type { SealedStore } from "../../storage/sealed-port.ts";
import { openSealedStore } from "../../storage/sealed-store.ts";
import { openTenant, type OpenTenant } from "../../storage/tenant-files.ts";
import { Administrator } from "../../web/api/auth/administrator.ts";
import { startApi, type Api, type ListenOptions } from "../../web/api/server.ts";
import { AcmeClient } from "../certificates/acme-client.ts";
import { certificateMaker } from "../certificates/certificate-maker.ts";
import { exitCodes } from "../start/exit-codes.mjs";
import { StartFailure } from "./failure.ts";
import type { Home } from "./home.ts";
import { observeIngress } from "./ingress-metrics.ts";
import { ReadinessWatch } from "./readiness.ts";

/** The one tenant of an installation, until there are more. */
export const TENANT = "default";

const FOUND_TIMEOUT_MS = 30_000;

export interface ControlPlaneParts {
  readonly home: Pick<Home, "tenants" | "credentials" | "masterKeys">;
  readonly bus: Bus;
  readonly listen: ListenOptions;
  readonly log: Log;
  readonly meter: Meter;
  readonly metrics: Registry;
  readonly version: string;
  /** Another process owns the tenant now: this one can do nothing more. */
  readonly onFenced: () => void;
}

export interface ControlPlane {
  readonly api: Api;
  readonly host: ActorHost;
  readonly administrator: Administrator;
  readonly reads: ReadModel;
  /** In order: no new requests, what was decided is written and answered, then the files are closed. The bus is the caller's. */
  stop(): Promise<void>;
}

/** Puts the parts together: storage, actors, API. Rejects with what `startFailureOf` understands. */
export async function startControlPlane(parts: ControlPlaneParts): Promise<ControlPlane> {
  const administrator = new Administrator({ file: parts.home.credentials, tenant: TENANT, clock: systemClock });
  const files = await openTenant({ directory: parts.home.tenants, tenant: TENANT });
  try {
    const epoch = await claim(files);
    const sealed = await openSealed(files, parts.home.masterKeys);
    const readiness = new ReadinessWatch({ directory: parts.home.tenants, bus: parts.bus, clock: systemClock });
    const host = newHost({ ...parts, meter: readiness.watching(parts.meter) }, epoch, sealed);
    await host.addTenant({ tenant: TENANT, journal: files.journal, epoch });
    await found(host);
    openKeys(host, epoch);
    host.start();
    observeActors(parts.metrics, host);
    observeIngress(parts.metrics, host, systemClock);
    const api = await startApi({
      ...parts,
      operations,
      errors: operationRefusals,
      auth: administrator,
      clock: systemClock,
      random: systemRandom,
      ready: () => readiness.look(),
      contextFor: (facts): OperationContext => ({
        ...facts,
        host,
        bus: parts.bus,
        reads: files.reads,
        sealed,
        clock: systemClock,
        random: systemRandom,
      }),
    });
    return {
      api,
      host,
      administrator,
      reads: files.reads,
      async stop() {
        await api.stop();
        await host.stop();
        await files.close();
      },
    };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** Every start is a new owner: whatever an earlier one still has on its way is fenced. */
async function claim({ journal }: OpenTenant): Promise<number> {
  const epoch = (await journal.claim(0)) + 1;
  await journal.claim(epoch);
  return epoch;
}

function openSealed({ sealedRows }: OpenTenant, masterKeys: string): Promise<SealedStore> {
  const nowMs = () => systemClock.nowMs();
  return openSealedStore({ tenant: TENANT, rows: sealedRows, masterKeys: openMasterKeys(masterKeys, nowMs()), nowMs });
}

async function found(host: ActorHost): Promise<void> {
  const command: FoundTenant = { kind: "found" };
  const reply = await host.ask(addressOf(TENANT), command, systemMeta(`found/${TENANT}`), { timeoutMs: FOUND_TIMEOUT_MS });
  if (reply.kind === "refusal")
    throw new StartFailure(reply.message, reply.code === "storage.disk-full" ? exitCodes.diskFull : exitCodes.diskReadOnly);
}

function systemMeta(commandId: string): Meta {
  return { commandId, principal: { kind: "system", id: "odysseus", role: "system" }, via: "system", correlationId: "start" };
}

/** Ingress nodes are told nothing before the keys of the certificates have been opened, also where there are none yet. */
function openKeys(host: ActorHost, epoch: number): void {
  const command: CertificatesCommand = { kind: "wake" };
  host.tell(addressOf(TENANT, "certificates"), command, systemMeta(`open-keys/${epoch}`));
}

function newHost(parts: ControlPlaneParts, epoch: number, sealed: SealedStore): ActorHost {
  const outside = { clock: systemClock, bus: parts.bus, epochOf: () => epoch, sealedOf: () => sealed };
  const supplies = new Supplies();
  const certificates = certificatesActor({
    clock: systemClock,
    log: parts.log,
    sealedOf: () => sealed,
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
