import { needsLocal } from "./advance.ts";
import type { AcmeSettings } from "./contract.ts";
import { wantedHosts } from "./choose.ts";
import type { Account, CertificatesState, KeyReference, Order } from "./state.ts";

/** An account the authority knows, and how it is reached. */
export interface KnownAccount {
  readonly settings: AcmeSettings;
  readonly key: KeyReference;
  readonly url: string;
}

/** One thing to be done outside. Doing it again is harmless. */
export type Work =
  | { readonly kind: "make-authority" }
  | { readonly kind: "make-local"; readonly host: string; readonly authority: NonNullable<CertificatesState["authority"]> }
  | { readonly kind: "make-account-key"; readonly settings: AcmeSettings; readonly deadlineAtMs: number }
  | { readonly kind: "register-account"; readonly settings: AcmeSettings; readonly account: Account; readonly deadlineAtMs: number }
  | { readonly kind: "order"; readonly host: string; readonly order: Order; readonly account: KnownAccount };

/** Everything that should be under way, by a name that stays the same as long as it is the same work. */
export function workOf(state: CertificatesState): ReadonlyMap<string, Work> {
  return new Map([...localWork(state), ...orderWork(state)]);
}

function localWork(state: CertificatesState): readonly (readonly [string, Work])[] {
  const needing = wantedHosts(state).filter((record) => needsLocal(state, record));
  const { authority } = state;
  if (needing.length === 0) return [];
  if (authority === undefined) return [["authority", { kind: "make-authority" }]];
  return needing.map(({ host }) => [`local/${host}`, { kind: "make-local", host, authority }]);
}

function orderWork({ acme, account, hosts }: CertificatesState): readonly (readonly [string, Work])[] {
  const ordering = Object.values(hosts).flatMap(({ host, order }) => (order === undefined ? [] : [{ host, order }]));
  if (acme === undefined || ordering.length === 0) return [];
  const { settings, agreedAtMs } = acme;
  const { directoryUrl } = settings;
  const deadlineAtMs = Math.min(...ordering.map(({ order }) => order.deadlineAtMs));
  // Other settings, or other orders with other deadlines, are other work.
  const ids = `${agreedAtMs}/${ordering.map(({ order }) => order.id).join(",")}`;
  if (account?.directoryUrl !== directoryUrl) return [[`account-key/${ids}`, { kind: "make-account-key", settings, deadlineAtMs }]];
  const { key, url } = account;
  if (url === undefined) return [[`account/${ids}/${key.version}`, { kind: "register-account", settings, account, deadlineAtMs }]];
  return ordering.map(({ host, order }) => [
    `order/${agreedAtMs}/${order.id}/${order.at.step}`,
    { kind: "order", host, order, account: { settings, key, url } },
  ]);
}
