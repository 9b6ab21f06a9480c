import { inBatches } from "../../runtime/message-batches.ts";
import type { IngressCertificate, IngressCertificates, IngressChallenge } from "./contract.ts";

/** What every ingress node should serve beside routes. Holds private keys: it goes from here to the nodes and nowhere else. */
export interface Supply {
  /** Grows whenever the rest changes. */
  readonly version: number;
  readonly certificates: readonly IngressCertificate[];
  readonly challenges: readonly IngressChallenge[];
}

/** Where the certificates and challenges of the tables come from. */
export interface IngressKeys {
  /** Undefined until it is known after a start: a table made before that would take the certificates off the nodes. */
  of(tenant: string): Supply | undefined;
  /** Called after it has changed: the tables are numbered anew and given to every node. */
  onChanged(tenant: string, listener: () => void): { stop(): void };
}

export const noKeys: IngressKeys = {
  of: () => ({ version: 0, certificates: [], challenges: [] }),
  onChanged: () => ({ stop: () => undefined }),
};

/** These certificates, in as many messages as they need. */
export function certificateMessages(
  supply: Supply | undefined,
  ids: ReadonlySet<string>,
  to: { readonly tenant: string; readonly node: string },
): readonly IngressCertificates[] {
  const wanted = supply?.certificates.filter(({ id }) => ids.has(id)) ?? [];
  return inBatches(wanted, ({ chain, privateKey }) => chain.length + privateKey.length).map((certificates) => ({
    kind: "ingress-certificates",
    ...to,
    certificates: [...certificates],
  }));
}
