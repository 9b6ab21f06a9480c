import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { SealedStore } from "../../storage/sealed-port.ts";
import type { Supplies } from "./supply.ts";
import type { FailureKind } from "./timing.ts";

/** Makes keys, requests and our own certificates. All texts are PEM. */
export interface CertificateMaker {
  newKey(): Promise<string>;
  /** DER of a certificate request for one host, signed with the key. */
  request(key: string, host: string): Promise<Uint8Array>;
  newAuthority(nowMs: number): Promise<{ readonly certificate: string; readonly key: string }>;
  issueLocal(
    authority: { readonly certificate: string; readonly key: string },
    host: string,
    nowMs: number,
  ): Promise<{ readonly chain: string; readonly key: string }>;
}

/** Which authority, reached as whom. */
export interface AcmeSession {
  readonly directoryUrl: string;
  readonly trustedRoots: string | undefined;
  /** PEM of the account's key. */
  readonly key: string;
  /** Ends every request. */
  readonly signal: AbortSignal;
}

export interface AcmeAccountSession extends AcmeSession {
  readonly accountUrl: string;
}

export interface AcmeOrder {
  readonly status: "pending" | "ready" | "processing" | "valid" | "invalid";
  readonly authorizations: readonly string[];
  readonly finalize: string;
  readonly certificate?: string | undefined;
  /** Why it is invalid, in the authority's words. */
  readonly problem?: string | undefined;
}

export interface AcmeAuthorization {
  readonly status: "pending" | "valid" | "invalid" | "deactivated" | "expired" | "revoked";
  /** http-01; absent when the authority offers no such. */
  readonly challenge?: { readonly url: string; readonly token: string } | undefined;
  readonly problem?: string | undefined;
}

/** An authority that speaks RFC 8555. Everything rejects with `AcmeFailure`. */
export interface AcmeAuthority {
  /** Answers the account's address; the same key is always the same account. The terms of service have been agreed to. */
  register(session: AcmeSession, email: string | undefined): Promise<string>;
  place(session: AcmeAccountSession, host: string): Promise<AcmeOrder & { readonly url: string }>;
  order(session: AcmeAccountSession, url: string): Promise<AcmeOrder>;
  authorization(session: AcmeAccountSession, url: string): Promise<AcmeAuthorization>;
  /** What port 80 of the host must answer for a token. */
  keyAuthorization(key: string, token: string): string;
  /** The challenge can be looked at now. */
  tell(session: AcmeAccountSession, challengeUrl: string): Promise<void>;
  finalize(session: AcmeAccountSession, url: string, request: Uint8Array): Promise<void>;
  /** PEM, leaf first. */
  download(session: AcmeAccountSession, url: string): Promise<string>;
}

/** What an authority answered that is no success, or that it did not answer. The message is one clause for people. */
export class AcmeFailure extends Error {
  readonly kind: FailureKind;
  readonly retryAfterMs: number | undefined;
  /** Of the problem document, without its common beginning: `accountDoesNotExist`. */
  readonly type: string | undefined;
  constructor(
    kind: FailureKind,
    message: string,
    facts: { readonly retryAfterMs?: number | undefined; readonly type?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: facts.cause });
    this.name = "AcmeFailure";
    this.kind = kind;
    this.retryAfterMs = facts.retryAfterMs;
    this.type = facts.type;
  }
}

/** What the ingress knows of its nodes. */
export interface ServingNodes {
  /**
   * Why not every ingress node serves this version of the supply, or a later one: one clause that names them. Undefined: every node does that is not
   * lost. Nodes that are lost serve nobody, so they are not waited for.
   */
  lacking(tenant: string, version: number): string | undefined;
}

/** What the keeper of certificates needs of the outside. */
export interface CertificatePorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Where private keys are kept. */
  readonly sealedOf: (tenant: string) => Pick<SealedStore, "seal" | "open">;
  readonly maker: CertificateMaker;
  readonly authority: AcmeAuthority;
  readonly nodes: ServingNodes;
  readonly supplies: Pick<Supplies, "put">;
}

/** What one piece of work outside is done with. */
export interface WorkSurroundings {
  readonly tenant: string;
  readonly ports: CertificatePorts;
  readonly signal: AbortSignal;
  /** What it waits for, in words that follow "waiting until" or "for". */
  readonly say: (words: string) => void;
}
