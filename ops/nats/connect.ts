import { readFileSync } from "node:fs";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { NatsBus } from "../../runtime/nats-bus.ts";
import { isAtLeast } from "../tools/version.ts";
import { tools } from "../tools/table.ts";

export interface BusAccess {
  /** May carry a user and a password. */
  readonly url: string;
  readonly inboxPrefix: string;
  readonly tls?: { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | undefined;
}

/** A bus that is usable at once and keeps trying to reach its server. Says so when the server is older than what we trust. */
export function connectBus({ url, inboxPrefix, tls, name, clock, log }: BusAccess & { readonly name: string; readonly clock: Clock; readonly log: Log }): NatsBus {
  const { minimumVersion, minimumReason } = tools["nats-server"];
  return new NatsBus({
    url,
    inboxPrefix,
    name,
    clock,
    log,
    ...(tls === undefined ? {} : { tls: { ca: readFileSync(tls.caFile, "utf8"), cert: readFileSync(tls.certFile, "utf8"), key: readFileSync(tls.keyFile, "utf8") } }),
    onConnected: ({ version }) => {
      if (!isAtLeast(version, minimumVersion)) log.warn(`this NATS server is ${version}; use ${minimumVersion} or newer: ${minimumReason}`, { url: withoutSecrets(url) });
    },
  });
}

export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}
