import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { certificatesActor } from "../../../actors/certificate/actor.ts";
import { readCertificate } from "../../../actors/certificate/certificate-reads.ts";
import type { CertificatesCommand } from "../../../actors/certificate/commands.ts";
import type { CertificateView } from "../../../actors/certificate/contract.ts";
import type { AcmeAuthority } from "../../../actors/certificate/ports.ts";
import { Supplies } from "../../../actors/certificate/supply.ts";
import type { Supply } from "../../../actors/ingress/keys.ts";
import type { OperationContext } from "../../../actors/catalogue.ts";
import { operations } from "../../../actors/operations.ts";
import { certificateMaker } from "../../../ops/certificates/certificate-maker.ts";
import { ActorHost } from "../../../runtime/actor-host.ts";
import type { Reply } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Journal, Meta, Principal, ReadModel, StoredEvent } from "../../../runtime/journal.ts";
import { type Log, silentLog } from "../../../runtime/log.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { nactTurns } from "../../../runtime/nact-turns.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import type { SealedStore } from "../../../storage/sealed-port.ts";

export const TENANT = "acme";
const ADDRESS = addressOf(TENANT, "certificates");
const WAIT_MS = 20_000;
const POLL_MS = 2;

export interface KeeperParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly reads: ReadModel;
  readonly sealed: SealedStore;
  readonly authority: AcmeAuthority;
  readonly log?: Log;
  /** Its disk stops answering, so it can never be stopped in order. */
  readonly isMortal?: boolean;
  /** Why not every ingress node serves this version. By default all do at once. */
  readonly lacking?: (version: number) => string | undefined;
  /** Lets time pass while something is waited for. */
  readonly tick?: () => Promise<void>;
}

let commands = 0;

/** The keeper of certificates as it lives in a control plane, with its operations; around it what the test gives it. */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #host: ActorHost;
  readonly #supplies = new Supplies();

  private constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#host = new ActorHost({
      bus: new MemoryBroker(parts.clock).connect("control plane"),
      clock: parts.clock,
      random: systemRandom,
      turns: nactTurns(),
      log: parts.log ?? silentLog,
      meter: noMeter,
      definitions: [
        certificatesActor({
          clock: parts.clock,
          log: parts.log ?? silentLog,
          sealedOf: () => parts.sealed,
          maker: certificateMaker,
          authority: parts.authority,
          nodes: { lacking: (_tenant, version) => parts.lacking?.(version) },
          supplies: this.#supplies,
        }),
      ],
      servedKinds: [],
      remoteKinds: [],
    });
  }

  static async start(parts: KeeperParts): Promise<Keeper> {
    const keeper = new Keeper(parts);
    const epoch = (await parts.journal.claim(0)) + 1;
    await parts.journal.claim(epoch);
    await keeper.#host.addTenant({ tenant: TENANT, journal: parts.journal, epoch });
    if (parts.isMortal !== true) onTestFinished(() => keeper.stop());
    await keeper.tell({ kind: "wake" });
    return keeper;
  }

  stop(): Promise<void> {
    return this.#host.stop();
  }

  /** As the ingress and the clock do. */
  async tell(command: CertificatesCommand): Promise<void> {
    await this.#host.ask(ADDRESS, command, metaOf("system"), { timeoutMs: WAIT_MS });
  }

  want(...hosts: readonly string[]): Promise<void> {
    return this.tell({ kind: "want", hosts });
  }

  /** As a person does, over the catalogue. */
  call(name: string, input: Readonly<Record<string, unknown>>): Promise<Reply> {
    const operation = operations.find((each) => each.name === name);
    if (operation === undefined || operation.effect === "stream") throw new Error(`no operation ${name}`);
    return operation.handle(operation.input.parse(input), this.context());
  }

  /** As `call`, for what must be accepted. */
  async value<Value>(name: string, input: Readonly<Record<string, unknown>> = {}): Promise<Value> {
    const reply = await this.call(name, input);
    if (reply.kind === "refusal") throw new Error(reply.message);
    return reply.value as Value;
  }

  configure(directoryUrl = "https://authority.test/directory", more: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.value("certificates.configure", { acme: "on", directoryUrl, agreeTerms: true, localNames: true, ...more });
  }

  view(name: string): Promise<CertificateView | undefined> {
    return readCertificate(this.context(), name);
  }

  /** What ingress nodes are given. */
  get supply(): Supply | undefined {
    return this.#supplies.of(TENANT);
  }

  /** The chain that answers for a host. */
  served(host: string): string | undefined {
    const isFor = (leaf: X509Certificate): boolean => (isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) !== undefined;
    return this.supply?.certificates.find(({ chain }) => isFor(new X509Certificate(chain)))?.chain;
  }

  async events(): Promise<readonly StoredEvent[]> {
    return (await this.#parts.reads.events({ afterOffset: 0, limit: 1_000, stream: ADDRESS })).items;
  }

  async eventTypes(): Promise<readonly string[]> {
    return (await this.events()).map(({ type }) => type);
  }

  /** Waits for a view that is as it should be; says how it was when it never is. */
  async untilView(name: string, is: (view: CertificateView) => boolean): Promise<CertificateView> {
    let last: CertificateView | undefined;
    await this.until(
      () => `${name} never was as it should be: ${JSON.stringify(last)}`,
      async () => {
        last = await this.view(name);
        return last !== undefined && is(last);
      },
    );
    return last as CertificateView;
  }

  async until(what: () => string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(what());
      await this.#parts.tick?.();
      await delay(POLL_MS);
    }
  }

  context(): OperationContext {
    return {
      tenant: TENANT,
      meta: metaOf("user"),
      host: this.#host,
      bus: new MemoryBroker(this.#parts.clock).connect("operation"),
      reads: this.#parts.reads,
      sealed: this.#parts.sealed,
      clock: this.#parts.clock,
      random: systemRandom,
      signal: new AbortController().signal,
    };
  }
}

function metaOf(kind: Principal["kind"]): Meta {
  const commandId = `command-${++commands}`;
  return kind === "system"
    ? { commandId, principal: { kind, id: "acme/ingress", role: "system" }, via: "system", correlationId: commandId }
    : { commandId, principal: { kind, id: "ada", role: "admin" }, via: "cli", correlationId: commandId };
}
