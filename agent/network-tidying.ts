import type { Placement } from "../actors/node/assignment-contract.ts";
import type { Log } from "../runtime/log.ts";
import { desiredNetworks } from "./desired-networks.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";

interface Parts {
  readonly engine: Engine;
  readonly log: Log;
  readonly identity: { readonly tenant: string; readonly node: string };
  /** All that this node should have. */
  readonly placements: () => readonly Placement[];
}

/** Networks are made with the first container on them and go after the last: one look at a time, and another when something went meanwhile. */
export class NetworkTidying {
  readonly #parts: Parts;
  #isBusy = false;
  #isDue = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Something that may have been on a network is gone. */
  due(): void {
    this.#isDue = true;
    if (!this.#isBusy) void this.#tidy();
  }

  async #tidy(): Promise<void> {
    const { engine, log, identity, placements } = this.#parts;
    this.#isBusy = true;
    while (this.#isDue) {
      this.#isDue = false;
      const kept = new Set(placements().flatMap((placement) => desiredNetworks(placement, identity).map(({ name }) => name)));
      try {
        await engine.removeUnusedNetworks(kept);
      } catch (cause) {
        if (!(cause instanceof EngineFailure)) throw cause;
        log.debug("unused networks stay for now", { reason: cause.message });
      }
    }
    this.#isBusy = false;
  }
}
