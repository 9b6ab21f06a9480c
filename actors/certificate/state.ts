import type { AcmeSettings, CertificateFacts } from "./contract.ts";
import type { FailureKind } from "./timing.ts";

/** Where a private key is kept: the sealed store's name and version. The key itself is in no event. */
export interface KeyReference {
  readonly name: string;
  readonly version: string;
}

export interface KeyedChain extends CertificateFacts {
  /** PEM, leaf first. */
  readonly chain: string;
  readonly key: KeyReference;
}

/** One that we had made ourselves, and renew. */
export interface ManagedCertificate extends KeyedChain {
  readonly renewAtMs: number;
  /** Its time has come; from then on the next one is sought. */
  readonly isDue: boolean;
}

export type Alarm = "none" | "expiring" | "expired";

export interface Upload extends KeyedChain {
  readonly name: string;
  readonly uploadedAtMs: number;
  readonly alarm: Alarm;
}

/** What the authority looks for on port 80 of the host. */
export interface Challenge {
  /** Where the authority is told that it may look. */
  readonly url: string;
  readonly authorizationUrl: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** How far an order at the authority has come. Each step may be carried out again after a crash. */
export type OrderStep =
  | { readonly step: "placing" }
  /** Every ingress node must answer the challenge before the authority is told. `version`: of the first supply that holds it. */
  | { readonly step: "publishing"; readonly url: string; readonly challenge: Challenge; readonly version: number }
  | { readonly step: "validating"; readonly url: string; readonly challenge: Challenge; readonly version: number }
  | { readonly step: "making-key"; readonly url: string }
  /** The key is sealed and recorded: whatever the authority issues for it can be fetched and used, also by the next process. */
  | { readonly step: "issuing"; readonly url: string; readonly key: KeyReference };

export interface Order {
  readonly id: number;
  readonly startedAtMs: number;
  readonly deadlineAtMs: number;
  readonly at: OrderStep;
}

export interface Trouble {
  readonly atMs: number;
  readonly kind: FailureKind;
  readonly message: string;
  /** In a row. */
  readonly failures: number;
  readonly nextAttemptAtMs: number;
  /** Refusals of the last hour, oldest first: the authority counts them. */
  readonly refusedAtMs: readonly number[];
}

/** A host that has, or had, a route with TLS. */
export interface HostRecord {
  readonly host: string;
  readonly isWanted: boolean;
  readonly local: ManagedCertificate | undefined;
  readonly acme: ManagedCertificate | undefined;
  readonly alarm: Alarm;
  readonly order: Order | undefined;
  readonly trouble: Trouble | undefined;
  /** A person asked for a new one, whatever the age of the old. */
  readonly isAsked: boolean;
}

/** Ours at an authority. */
export interface Account {
  readonly directoryUrl: string;
  readonly key: KeyReference;
  /** Once the authority knows it. */
  readonly url: string | undefined;
}

export interface CertificatesState {
  readonly acme: { readonly settings: AcmeSettings; readonly agreedAtMs: number; readonly agreedBy: string } | undefined;
  readonly account: Account | undefined;
  /** Signs the certificates of local names; a user trusts it once. */
  readonly authority: { readonly certificate: string; readonly key: KeyReference } | undefined;
  readonly hosts: Readonly<Record<string, HostRecord>>;
  readonly uploads: Readonly<Record<string, Upload>>;
  readonly nextUpload: number;
  readonly nextOrder: number;
  /** Of what ingress nodes are given; grows whenever that changes. */
  readonly version: number;
}

export type CertificatesEvent =
  /** All hosts that routes want a certificate for. */
  | { readonly type: "hosts.wanted"; readonly hosts: readonly string[] }
  | { readonly type: "acme.configured"; readonly settings: AcmeSettings; readonly agreedBy: string }
  | { readonly type: "acme.switched-off" }
  | { readonly type: "certificate.uploaded"; readonly name: string; readonly certificate: KeyedChain }
  | { readonly type: "certificate.removed"; readonly name: string; readonly because: "asked" | "replaced" }
  | { readonly type: "authority.made"; readonly certificate: string; readonly key: KeyReference }
  | { readonly type: "local-certificate.made"; readonly host: string; readonly certificate: ManagedCertificate }
  | { readonly type: "certificate.due"; readonly hosts: readonly string[] }
  | { readonly type: "account.key-made"; readonly directoryUrl: string; readonly key: KeyReference }
  | { readonly type: "account.registered"; readonly directoryUrl: string; readonly url: string }
  /** The authority does not know it any more. */
  | { readonly type: "account.forgotten"; readonly directoryUrl: string }
  | { readonly type: "order.asked"; readonly host: string }
  | { readonly type: "order.started"; readonly host: string; readonly id: number; readonly deadlineAtMs: number }
  | { readonly type: "challenge.offered"; readonly host: string; readonly url: string; readonly challenge: Challenge }
  /** Every ingress node serves it, and the authority was told. */
  | { readonly type: "challenge.told"; readonly host: string }
  | { readonly type: "order.authorized"; readonly host: string; readonly url: string }
  | { readonly type: "certificate.key-made"; readonly host: string; readonly key: KeyReference }
  | { readonly type: "certificate.issued"; readonly host: string; readonly certificate: ManagedCertificate }
  | {
      readonly type: "order.failed";
      readonly host: string;
      readonly kind: FailureKind;
      readonly message: string;
      readonly nextAttemptAtMs: number;
    }
  | { readonly type: "order.cancelled"; readonly host: string; readonly reason: string }
  | { readonly type: "certificate.expiring"; readonly name: string; readonly notAfterMs: number; readonly reason: string }
  | { readonly type: "certificate.expired"; readonly name: string; readonly notAfterMs: number }
  /** No route has wanted it since before it ended. */
  | { readonly type: "certificate.forgotten"; readonly host: string };

export function initialState(): CertificatesState {
  return {
    acme: undefined,
    account: undefined,
    authority: undefined,
    hosts: {},
    uploads: {},
    nextUpload: 1,
    nextOrder: 1,
    version: 0,
  };
}

/** What is known of a host; of one never heard of, nothing. */
export function hostOf(state: CertificatesState, host: string): HostRecord {
  return (
    state.hosts[host] ?? {
      host,
      isWanted: false,
      local: undefined,
      acme: undefined,
      alarm: "none",
      order: undefined,
      trouble: undefined,
      isAsked: false,
    }
  );
}
