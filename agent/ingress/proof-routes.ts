import { createHash } from "node:crypto";
import { entryPort, type Half, OWN_OFFSET, PROOF_ENTRY_POINT } from "./entry-points.ts";
import type { Named } from "./router.ts";

/** Tells by its rule which configuration it belongs to. */
export const MARKER_ROUTER = "odysseus";
const PROOF = "proof";

/** What a configuration has so that it can be told from every other: the API shows the first, a datagram is led by the second. */
export function proofRoutes(half: Half, marker: string): { readonly http: Named<object>; readonly udp: Named<Named<object>> } {
  const { address, port } = proofAddress(half, marker);
  return {
    http: { [MARKER_ROUTER]: { entryPoints: ["traefik"], rule: `Path(\`/${marker}\`)`, service: "noop@internal" } },
    udp: {
      routers: { [PROOF]: { entryPoints: [PROOF_ENTRY_POINT], service: PROOF } },
      services: { [PROOF]: { loadBalancer: { servers: [{ address: `${address}:${port}` }] } } },
    },
  };
}

/** Undefined: the rule is not that of a marker. */
export function markerIn(rule: string): string | undefined {
  return /^Path\(`\/([^`]+)`\)$/.exec(rule)?.[1];
}

/** Where the configuration with this marker leads a datagram: an address of loopback that is that of no other, on a port that is ours. */
export function proofAddress(half: Half, marker: string): { readonly address: string; readonly port: number } {
  const [one = 0, two = 0, three = 0] = createHash("sha256").update(marker).digest();
  // Neither 127.0.0.1 nor an end of the range.
  return { address: `127.${1 + (one % 254)}.${two}.${three}`, port: entryPort(half, OWN_OFFSET) };
}
