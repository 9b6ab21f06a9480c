import type { Failed } from "./failure.ts";
import type { SealedRows } from "./sealed-store.ts";
import type { SealedKey, SealedRequest, SealedValue } from "./sealed-table.ts";
import type { WorkerLink } from "./worker-link.ts";
import type { JournalRequest } from "./worker-protocol.ts";

/** Encrypted values over the thread that writes. Each question may be asked twice: writing the same again changes nothing. */
export class WorkerSealedRows implements SealedRows {
  readonly #link: WorkerLink<JournalRequest>;

  constructor(link: WorkerLink<JournalRequest>) {
    this.#link = link;
  }

  keys(): Promise<readonly SealedKey[]> {
    return this.#ask({ kind: "keys" });
  }

  addKey(key: SealedKey): Promise<Failed | undefined> {
    return this.#ask({ kind: "add-key", key });
  }

  put(value: SealedValue): Promise<Failed | undefined> {
    return this.#ask({ kind: "put", value });
  }

  get(name: string, version: string): Promise<SealedValue | undefined> {
    return this.#ask({ kind: "get", name, version });
  }

  newest(name: string): Promise<string | undefined> {
    return this.#ask({ kind: "newest", name });
  }

  #ask<Answer>(request: SealedRequest): Promise<Answer> {
    return this.#link.ask<Answer>({ kind: "sealed", request }, "ask-again");
  }
}
