import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Half } from "./entry-points.ts";
import { proofAddress } from "./proof-routes.ts";
import type { Shown, TraefikApi } from "./traefik-api.ts";

/** A datagram that is lost, or that the configuration before still led away, is sent again after that. */
const ARRIVAL_TIMEOUT_MS = 50;
const NONCE_BYTES = 16;
const LOOPBACK = "127.0.0.1";

/** `not-yet`: it is being taken over, or is known. The others as the API has them. */
export type ProofAnswer =
  | { readonly kind: "proven"; readonly marker: string }
  | { readonly kind: "not-yet" }
  | Exclude<Shown, { readonly kind: "routes" }>;

/**
 * What one half's proxy serves, at all its entry points for HTTP and TCP. Traefik 3.7 takes a configuration over in one goroutine: it switches every entry point
 * for TCP, in no order, and only then those for UDP (`switchRouter` in cmd/traefik/traefik.go, `Switch` in pkg/server/server_entrypoint_tcp.go and _udp.go). So
 * a datagram that an entry point for UDP leads to where only this configuration leads it proves that all others were switched before. The API tells which
 * configuration that may be; itself it proves nothing, its entry point being one of many.
 */
export class EntryPointsProof {
  readonly #half: Half;
  readonly #api: Pick<TraefikApi, "shown">;
  /** One at a time: only one can listen at an address. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(half: Half, api: Pick<TraefikApi, "shown">) {
    this.#half = half;
    this.#api = api;
  }

  /** Never rejects. Without a second look at a configuration that is `known`. */
  ask(known?: string): Promise<ProofAnswer> {
    const answer = this.#last.then(() => this.#ask(known));
    this.#last = answer;
    return answer;
  }

  async #ask(known: string | undefined): Promise<ProofAnswer> {
    const shown = await this.#api.shown();
    if (shown.kind !== "routes") return shown;
    if (shown.marker === known) return { kind: "not-yet" };
    return (await this.#arrives(shown.marker)) ? { kind: "proven", marker: shown.marker } : { kind: "not-yet" };
  }

  async #arrives(marker: string): Promise<boolean> {
    const { address, port } = proofAddress(this.#half, marker);
    const receiver = createSocket("udp4");
    // The proxy leads all datagrams of one sender to where it led the first.
    const sender = createSocket("udp4");
    try {
      receiver.bind(port, address);
      await once(receiver, "listening");
      const nonce = randomBytes(NONCE_BYTES);
      const arrived = arrival(receiver, nonce);
      // What could not be sent does not arrive.
      sender.send(nonce, port, LOOPBACK, () => undefined);
      await arrived;
      return true;
    } catch {
      return false;
    } finally {
      receiver.close();
      sender.close();
    }
  }
}

async function arrival(receiver: Socket, nonce: Buffer): Promise<void> {
  const signal = AbortSignal.timeout(ARRIVAL_TIMEOUT_MS);
  for (;;) {
    const [datagram] = (await once(receiver, "message", { signal })) as [Buffer];
    if (datagram.equals(nonce)) return;
  }
}
