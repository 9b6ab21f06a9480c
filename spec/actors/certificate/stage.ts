import type { CertificatesEvent } from "../../../actors/certificate/state.ts";
import type { CommitResult, Journal } from "../../../runtime/journal.ts";
import { attachMemoryTenant, openMemoryTenant, type MemoryTenant } from "../../../storage/memory-tenant.ts";
import { memorySealedStore } from "../../../storage/memory-sealed.ts";
import type { SealedStore } from "../../../storage/sealed-port.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { Keeper, TENANT, type KeeperParts } from "./keeper.ts";
import { SimulatedAuthority } from "./simulated-authority.ts";

/** How much time passes while something is waited for, at each look. */
const TICK_MS = 100;

export interface Crash {
  readonly at: CertificatesEvent["type"];
  /** before: nothing is written. after: it is written and nobody hears of it. */
  readonly moment: "before" | "after";
}

/** Keepers of certificates one after the other over one store, beside an authority in memory, on a clock that only tests move. */
export class Stage {
  readonly clock = new VirtualClock();
  readonly sealed: SealedStore;
  readonly authority: SimulatedAuthority;
  /** What is served where the authority looks; the present keeper's supply unless the test says otherwise. */
  look: (host: string, token: string) => string | undefined;
  /** Versions of the supply for which every ingress node was found to serve it. */
  lacking: (version: number) => string | undefined = () => undefined;
  readonly #tenant: MemoryTenant = openMemoryTenant({ tenant: TENANT });
  #keeper: Keeper | undefined;
  #hasDied = false;

  constructor(sealed: SealedStore = memorySealedStore()) {
    this.sealed = sealed;
    this.look = (_host, token) => this.#keeper?.supply?.challenges.find((each) => each.token === token)?.keyAuthorization;
    this.authority = new SimulatedAuthority(this.clock, (host, token) => this.look(host, token));
  }

  /** Whether the process that was to crash has come to the moment. */
  get hasDied(): boolean {
    return this.#hasDied;
  }

  /** A new process over what is written; one before it that was not stopped goes on, and is refused by the disk. */
  async start(crash?: Crash, more: Partial<KeeperParts> = {}): Promise<Keeper> {
    const { journal, reads } = attachMemoryTenant(this.#tenant.store);
    const keeper = await Keeper.start({
      clock: this.clock,
      journal: crash === undefined ? journal : mortal(journal, crash, () => (this.#hasDied = true)),
      reads,
      sealed: this.sealed,
      authority: this.authority,
      lacking: (version) => ((this.#keeper?.supply?.version ?? 0) < version ? "n1 has not been given it" : this.lacking(version)),
      tick: () => this.clock.advance(TICK_MS),
      isMortal: crash !== undefined,
      ...more,
    });
    this.#keeper = keeper;
    return keeper;
  }

  /** The control plane is away for so long; answers the keeper of its next start. */
  async later(durationMs: number): Promise<Keeper> {
    await this.#keeper?.stop();
    await this.clock.advance(durationMs);
    return this.start();
  }
}

/** Dies at the first commit with such an event: that one and all later ones are never answered. */
function mortal(journal: Journal, { at, moment }: Crash, died: () => void): Journal {
  let isDead = false;
  const never = new Promise<CommitResult>(() => undefined);
  return {
    claim: (epoch) => journal.claim(epoch),
    load: (stream, from) => journal.load(stream, from),
    streams: () => journal.streams(),
    recall: (stream, id) => journal.recall(stream, id),
    pending: (limit) => journal.pending(limit),
    acknowledge: (ids) => journal.acknowledge(ids),
    close: () => journal.close(),
    commit: async (commit) => {
      if (isDead) return never;
      if (!commit.events.some(({ type }) => type === at)) return journal.commit(commit);
      isDead = true;
      if (moment === "after") await journal.commit(commit);
      died();
      return never;
    },
  };
}
