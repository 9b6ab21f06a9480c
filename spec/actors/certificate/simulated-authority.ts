import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import {
  AcmeFailure,
  type AcmeAccountSession,
  type AcmeAuthority,
  type AcmeAuthorization,
  type AcmeOrder,
  type AcmeSession,
} from "../../../actors/certificate/ports.ts";
import type { Clock } from "../../../runtime/clock.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
x509.cryptoProvider.set(webcrypto);

/** well: it does what it should. Everything else is an answer to every request. */
export type Mood =
  | { readonly kind: "well" }
  | { readonly kind: "down" }
  /** Takes the request and never answers. */
  | { readonly kind: "hangs" }
  | { readonly kind: "limited"; readonly retryAfterMs: number };

interface Order {
  readonly url: string;
  readonly host: string;
  readonly token: string;
  readonly keyAuthorization: string;
  proof: "pending" | "told" | "valid" | "invalid";
  issued: string | undefined;
}

/** An authority in memory that issues real certificates, to whoever proves the host. */
export class SimulatedAuthority implements AcmeAuthority {
  mood: Mood = { kind: "well" };
  /** Of the certificates it issues from now on. */
  lifeMs = 90 * 86_400_000;
  /** How much its clock is ahead of ours. */
  clockAheadMs = 0;
  /** Requests, by what they were for. */
  readonly asked: string[] = [];
  readonly orders: Order[] = [];
  readonly #clock: Clock;
  /** What the host answers for a token. */
  readonly #look: (host: string, token: string) => string | undefined;
  readonly #accounts = new Map<string, string>();
  #counter = 0;

  constructor(clock: Clock, look: (host: string, token: string) => string | undefined) {
    this.#clock = clock;
    this.#look = look;
  }

  /** A new database. */
  forgetAccounts(): void {
    this.#accounts.clear();
  }

  async register(session: AcmeSession): Promise<string> {
    await this.#ask("register", session);
    const url = this.#accounts.get(session.key) ?? `https://authority.test/account/${++this.#counter}`;
    this.#accounts.set(session.key, url);
    return url;
  }

  async place(session: AcmeAccountSession, host: string): Promise<AcmeOrder & { readonly url: string }> {
    await this.#askAs("place", session);
    const id = ++this.#counter;
    const token = `token-${id}`;
    const url = `https://authority.test/order/${id}`;
    this.orders.push({
      url,
      host,
      token,
      keyAuthorization: this.keyAuthorization(session.key, token),
      proof: "pending",
      issued: undefined,
    });
    return { ...this.#shown(this.#order(url)), url };
  }

  async order(session: AcmeAccountSession, url: string): Promise<AcmeOrder> {
    await this.#askAs("order", session);
    return this.#shown(this.#order(url));
  }

  async authorization(session: AcmeAccountSession, url: string): Promise<AcmeAuthorization> {
    await this.#askAs("authorization", session);
    const order = this.#order(url);
    const status = order.proof === "told" ? this.#proofOf(order) : order.proof;
    order.proof = status;
    return {
      status,
      challenge: { url, token: order.token },
      ...(status === "invalid" ? { problem: "the proof was not there" } : {}),
    };
  }

  keyAuthorization(key: string, token: string): string {
    return `${token}.${key.length}`;
  }

  async tell(session: AcmeAccountSession, challengeUrl: string): Promise<void> {
    await this.#askAs("tell", session);
    const order = this.#order(challengeUrl);
    if (order.proof !== "pending") throw new AcmeFailure("refused", "the authorization is not pending", { type: "malformed" });
    order.proof = "told";
  }

  async finalize(session: AcmeAccountSession, url: string, request: Uint8Array): Promise<void> {
    await this.#askAs("finalize", session);
    const order = this.#order(url);
    if (order.issued !== undefined) throw new AcmeFailure("refused", "the order is not ready", { type: "orderNotReady" });
    order.issued = await this.#issue(request);
  }

  async download(session: AcmeAccountSession, url: string): Promise<string> {
    await this.#askAs("download", session);
    return this.#order(url).issued ?? "";
  }

  #shown({ url, proof, issued }: Order): AcmeOrder {
    const status = issued !== undefined ? "valid" : proof === "valid" ? "ready" : proof === "invalid" ? "invalid" : "pending";
    return { status, authorizations: [url], finalize: url, ...(issued === undefined ? {} : { certificate: url }) };
  }

  #proofOf({ host, token, keyAuthorization }: Order): "valid" | "invalid" {
    return this.#look(host, token) === keyAuthorization ? "valid" : "invalid";
  }

  #order(url: string): Order {
    const order = this.orders.find((each) => each.url === url);
    if (order === undefined) throw new AcmeFailure("refused", "there is no such order", { type: "malformed" });
    return order;
  }

  async #askAs(what: string, session: AcmeAccountSession): Promise<void> {
    await this.#ask(what, session);
    if (this.#accounts.get(session.key) !== session.accountUrl)
      throw new AcmeFailure("refused", "there is no such account", { type: "accountDoesNotExist" });
  }

  async #ask(what: string, { signal }: AcmeSession): Promise<void> {
    this.asked.push(what);
    switch (this.mood.kind) {
      case "well":
        return;
      case "down":
        throw new AcmeFailure("unreachable", "nothing listens there");
      case "limited":
        throw new AcmeFailure("limited", "too many certificates", { retryAfterMs: this.mood.retryAfterMs, type: "rateLimited" });
      case "hangs":
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
    }
  }

  async #issue(der: Uint8Array): Promise<string> {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(der));
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: "01",
      issuer: "CN=Simulated authority",
      subject: "",
      notBefore: new Date(this.#clock.nowMs() + this.clockAheadMs),
      notAfter: new Date(this.#clock.nowMs() + this.clockAheadMs + this.lifeMs),
      signingAlgorithm: algorithm,
      publicKey: await request.publicKey.export(),
      signingKey: keys.privateKey,
      extensions: request.extensions,
    });
    return certificate.toString("pem");
  }
}
