import type { AcmeSettings } from "./contract.ts";
import type { Challenge, KeyedChain, KeyReference } from "./state.ts";
import type { FailureKind } from "./timing.ts";

/** What people ask. The private key of an upload has been sealed before. */
export type PersonCommand =
  | { readonly kind: "configure"; readonly acme: AcmeSettings | "off" }
  | { readonly kind: "upload"; readonly certificate: KeyedChain }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "renew"; readonly host: string };

/** Why a step towards a certificate did not succeed. */
export interface StepFailure {
  readonly kind: FailureKind;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
}

/** What the edge has done; of orders with the id of the order, so that an old one's late news changes nothing. */
export type EdgeCommand =
  | { readonly kind: "authority-made"; readonly certificate: string; readonly key: KeyReference }
  | { readonly kind: "local-made"; readonly host: string; readonly certificate: KeyedChain }
  | { readonly kind: "account-key-made"; readonly directoryUrl: string; readonly key: KeyReference }
  | { readonly kind: "account-registered"; readonly directoryUrl: string; readonly url: string }
  /** Without an account no order can go on. */
  | { readonly kind: "account-refused"; readonly directoryUrl: string; readonly failure: StepFailure }
  | { readonly kind: "account-unknown"; readonly directoryUrl: string }
  | { readonly kind: "order-news"; readonly host: string; readonly id: number; readonly news: OrderNews };

export type OrderNews =
  | { readonly kind: "offered"; readonly url: string; readonly challenge: Challenge }
  | { readonly kind: "told" }
  | { readonly kind: "authorized"; readonly url: string }
  | { readonly kind: "key-made"; readonly key: KeyReference }
  | { readonly kind: "issued"; readonly certificate: KeyedChain }
  | { readonly kind: "failed"; readonly failure: StepFailure };

export type CertificatesCommand =
  | PersonCommand
  | EdgeCommand
  /** Of the ingress actor, whenever it changes: every host of a route with TLS. */
  | { readonly kind: "want"; readonly hosts: readonly string[] }
  | { readonly kind: "wake" };
