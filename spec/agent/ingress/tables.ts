import { createHash } from "node:crypto";
import {
  type IngressCertificate,
  type IngressRoute,
  IngressTable,
  type Pool,
  type PoolMember,
  RESERVED_PORTS,
} from "../../../actors/ingress/contract.ts";

const [FIRST_REPLICA_PORT] = RESERVED_PORTS.replicas;

/** A member for a test's table: each index has a port of its own. */
export function memberOf(placementId: string, index = 0, address = "192.0.2.1"): PoolMember {
  return { placementId, address, port: FIRST_REPLICA_PORT + index };
}

export function poolOf(id: string, members: readonly PoolMember[], change: Partial<Pool> = {}): Pool {
  return { id, protocol: "http", sticky: false, members: [...members], ...change };
}

export function routeOf(change: Partial<IngressRoute> = {}): IngressRoute {
  const options = { sticky: false, compress: false, basicAuth: [], allow: [] };
  return { host: "app.example.com", path: "/", pool: "web/80/tcp", tls: "off", options, ...change };
}

export function certificateOf(chain: string, privateKey: string): IngressCertificate {
  return {
    id: createHash("sha256")
      .update(chain + privateKey)
      .digest("hex"),
    chain,
    privateKey,
  };
}

/** What a test says of a table beside its certificates. */
export type TrafficInput = Partial<Omit<IngressTable, "kind" | "tenant" | "node" | "certificates">>;

/** The node's table with this number; empty but for what is given. */
export function tableOf(number: number, change: Partial<IngressTable> = {}): IngressTable {
  return IngressTable.parse({
    kind: "ingress-table",
    tenant: "acme",
    node: "n1",
    epoch: 1,
    number,
    ports: [],
    routes: [],
    pools: [],
    certificates: [],
    challenges: [],
    peers: [],
    trustedProxies: [],
    ...change,
  });
}
