import { createHash } from "node:crypto";

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

/** Every HTTP router has it last, next to the pool. */
export const RETRY = "retry";

/** `web-8080-tcp-1f2e3d4c`: readable in the proxy's metrics, and no two alike. */
export function nameOf(id: string): string {
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 8);
  return `${id.replaceAll(/[^a-z0-9.-]+/gi, "-").slice(0, 80)}-${hash}`;
}
