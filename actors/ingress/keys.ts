import type { IngressCertificate, IngressChallenge } from "./contract.ts";

/** Where the certificates and challenges of the tables come from. What they hold is a secret: it goes from here to the nodes and nowhere else. */
export interface IngressKeys {
  certificates(tenant: string): readonly IngressCertificate[];
  challenges(tenant: string): readonly IngressChallenge[];
  /** Called after either has changed: the tables are numbered anew and given to every node. */
  onChanged(tenant: string, listener: () => void): { stop(): void };
}

export const noKeys: IngressKeys = {
  certificates: () => [],
  challenges: () => [],
  onChanged: () => ({ stop: () => undefined }),
};
