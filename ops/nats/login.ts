import { readFileSync } from "node:fs";
import { credsAuthenticator } from "nats";
import type { BusLogin } from "../../runtime/nats-bus.ts";

/** What the client library wants apart: the addresses, and who we are there. */
export interface ClusterAccess {
  /** Separated by commas, without secrets. */
  readonly url: string;
  readonly login: BusLogin;
}

/**
 * Takes an address list like `nats://user:password@a:4222,nats://b:4222` (or `token@`) apart: the client library ignores what stands
 * before the `@`. A credentials file goes before both.
 */
export function clusterAccess(text: string, credsFile?: string): ClusterAccess {
  const urls = text.split(",").map((part) => new URL(part.includes("://") ? part.trim() : `nats://${part.trim()}`));
  const url = urls.map(({ protocol, host }) => `${protocol}//${host}`).join(",");
  if (credsFile !== undefined) return { url, login: { authenticator: credsAuthenticator(readFileSync(credsFile)) } };
  const known = urls.find(({ username }) => username !== "");
  if (known === undefined) return { url, login: {} };
  const user = decodeURIComponent(known.username);
  return { url, login: known.password === "" ? { token: user } : { user, pass: decodeURIComponent(known.password) } };
}
