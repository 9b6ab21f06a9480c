import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { NatsBus } from "../../runtime/nats-bus.ts";
import { clusterAccess } from "./login.ts";
import { isAtLeast } from "../tools/version.ts";
import { tools } from "../tools/table.ts";

export interface BusAccess {
  /** May carry a user and a password, or a token. */
  readonly url: string;
  /** A NATS credentials file; it goes before what the address carries. */
  readonly credsFile?: string | undefined;
  readonly inboxPrefix: string;
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | undefined;
}

/** A bus that is usable at once and keeps trying to reach its server. Says so when the server is older than what we trust. */
export function connectBus({
  url,
  credsFile,
  inboxPrefix,
  tls,
  name,
  clock,
  log,
}: BusAccess & { readonly name: string; readonly clock: Clock; readonly log: Log }): NatsBus {
  const { minimumVersion, minimumReason } = tools["nats-server"];
  return new NatsBus({
    ...clusterAccess(url, credsFile),
    inboxPrefix,
    name,
    clock,
    log,
    ...(tls === undefined ? {} : { tls }),
    onConnected: ({ version }) => {
      if (!isAtLeast(version, minimumVersion))
        log.warn(`this NATS server is ${version}; use ${minimumVersion} or newer: ${minimumReason}`, { url: withoutSecrets(url) });
    },
  });
}

export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}
