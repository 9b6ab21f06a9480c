import type { Edge, EdgeContext, Intake } from "../../runtime/actor.ts";
import { partsOf } from "../../runtime/address.ts";
import type { CertificatesCommand } from "./commands.ts";
import { KeyRing } from "./key-ring.ts";
import type { CertificatePorts } from "./ports.ts";
import type { CertificatesEvent, CertificatesState } from "./state.ts";
import { supplyOf } from "./supply-of.ts";
import { workOf, type Work } from "./work.ts";
import { WorkRun } from "./work-run.ts";

/** Pieces of work at once. */
const MAX_WORK_AT_ONCE = 8;

/** What the keeper of certificates knows and does not journal; `Host.soft(address)`. */
export interface CertificatesSoft {
  /** By host: what its order, or the making of its own certificate, waits for. */
  readonly underWay: ReadonlyMap<string, string>;
  /** By name of the certificate: why its private key cannot be opened. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** Keeps under way what the state asks for, and hands the ingress what its nodes should serve. */
export class CertificatesEdge implements Edge<CertificatesState, CertificatesCommand, CertificatesEvent> {
  readonly #context: EdgeContext<CertificatesCommand>;
  readonly #ports: CertificatePorts;
  readonly #tenant: string;
  readonly #keys: KeyRing;
  readonly #runs = new Map<string, { readonly work: Work; readonly run: WorkRun }>();
  #state: CertificatesState | undefined;
  #unreadable: ReadonlyMap<string, string> = new Map();
  #suppliedVersion: number | undefined;

  constructor(context: EdgeContext<CertificatesCommand>, ports: CertificatePorts) {
    this.#context = context;
    this.#ports = ports;
    this.#tenant = partsOf(context.address).tenant;
    this.#keys = new KeyRing(ports.sealedOf(this.#tenant), ports.clock, () => this.#supply());
  }

  receive(message: unknown): Intake<CertificatesCommand> {
    return { kind: "command", command: message as CertificatesCommand };
  }

  committed(state: CertificatesState): void {
    const isNews = this.#state?.version !== state.version;
    this.#state = state;
    if (isNews) this.#supply();
    this.#keepUnderWay();
  }

  soft(): CertificatesSoft {
    const underWay = [...this.#runs.values()].flatMap(({ work, run }) =>
      "host" in work && !run.isDone ? [[work.host, run.words] as const] : [],
    );
    const account = [...this.#runs.values()].find(({ work, run }) => !("host" in work) && !run.isDone);
    const waiting = Object.values(this.#state?.hosts ?? {}).flatMap(({ host, order }) =>
      order === undefined || account === undefined ? [] : [[host, account.run.words] as const],
    );
    return { underWay: new Map([...waiting, ...underWay]), unreadable: this.#unreadable };
  }

  stopped(): void {
    for (const { run } of this.#runs.values()) run.stop();
    this.#runs.clear();
    this.#keys.stop();
    this.#state = undefined;
  }

  #keepUnderWay(): void {
    if (this.#state === undefined) return;
    const wanted = workOf(this.#state);
    for (const [name, { run }] of this.#runs) {
      if (wanted.has(name)) continue;
      run.stop();
      this.#runs.delete(name);
    }
    let free = MAX_WORK_AT_ONCE - [...this.#runs.values()].filter(({ run }) => !run.isDone).length;
    for (const [name, work] of wanted) {
      if (free <= 0) return;
      if (this.#runs.has(name)) continue;
      free -= 1;
      const done = (command: CertificatesCommand): void => this.#context.command(command, command.kind);
      this.#runs.set(name, { work, run: new WorkRun({ tenant: this.#tenant, ports: this.#ports, work, done }) });
    }
  }

  #supply(): void {
    const made = this.#state === undefined ? undefined : supplyOf(this.#state, this.#keys);
    if (made === undefined) return;
    for (const [name, message] of made.unreadable)
      if (this.#unreadable.get(name) !== message)
        this.#ports.log.error("the private key of a certificate cannot be opened", { name, message });
    const isSame = made.supply.version === this.#suppliedVersion && sameNames(made.unreadable, this.#unreadable);
    this.#unreadable = made.unreadable;
    this.#suppliedVersion = made.supply.version;
    if (!isSame) this.#ports.supplies.put(this.#tenant, made.supply);
  }
}

function sameNames(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one.keys()].every((name) => other.has(name));
}
