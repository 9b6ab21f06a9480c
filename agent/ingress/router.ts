import { createHash } from "node:crypto";
import type { PoolProtocol } from "../../actors/ingress/contract.ts";

/** A router of Traefik's file provider, as far as we use it. */
export interface Router {
  readonly entryPoints: readonly string[];
  readonly rule: string;
  readonly service: string;
  readonly priority?: number;
  readonly middlewares?: readonly string[];
  readonly tls?: Readonly<Record<string, never>>;
}

export type Named<Value> = Readonly<Record<string, Value>>;

export const RETRY = "retry";

/**
 * What a router has last, next to the pool. Not for gRPC: where a replica's headers come back before the proxy has noted that it sent the request's, the retry
 * keeps the answer to itself, and a call with messages in both directions stands still (1 in 70, tried with 3.7.15).
 */
export function lastMiddlewares(protocol: PoolProtocol | undefined): readonly string[] {
  return protocol === "grpc" ? [] : [RETRY];
}

/** `web-8080-tcp-1f2e3d4c`: readable in the proxy's metrics, and no two alike. */
export function nameOf(id: string): string {
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 8);
  return `${id.replaceAll(/[^a-z0-9.-]+/gi, "-").slice(0, 80)}-${hash}`;
}
