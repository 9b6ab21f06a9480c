import type { BusIdentity } from "./identity.ts";
import { permissionsOf, userName } from "./identity.ts";

/** Leases and counters only: nothing large is kept in JetStream. Writes beyond it are refused. */
const JETSTREAM_FILE_BYTES = 1024 ** 3;
const JETSTREAM_MEMORY_BYTES = 64 * 1024 ** 2;
/** Two files of this size are kept. */
const LOG_FILE_BYTES = 10 * 1024 ** 2;
const KEPT_LOG_FILES = 2;
/** An agent may answer a request this late; later answers are refused. */
const REPLY_EXPIRY = "5m";
/** A silent client is found out after two of these. */
const PING_INTERVAL = "10s";

export interface NatsFiles {
  readonly config: string;
  readonly log: string;
  readonly store: string;
  readonly pid: string;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

export interface ListenAddress {
  /** `127.0.0.1` unless the person asked for more. */
  readonly host: string;
  readonly port: number;
}

/**
 * The server's configuration, in the JSON form it understands. A client is who its certificate says: there are no passwords. Every
 * acknowledged JetStream write is on disk first, because leases are fenced by its counters.
 */
export function natsConfig(listen: ListenAddress, files: NatsFiles, identities: readonly BusIdentity[]): string {
  const document = {
    server_name: "odysseus",
    host: listen.host,
    port: listen.port,
    pid_file: files.pid,
    log_file: files.log,
    logfile_size_limit: LOG_FILE_BYTES,
    logfile_max_num: KEPT_LOG_FILES,
    ping_interval: PING_INTERVAL,
    ping_max: 2,
    tls: { cert_file: files.certificate, key_file: files.key, ca_file: files.authority, verify_and_map: true, timeout: 5 },
    jetstream: {
      store_dir: files.store,
      max_file_store: JETSTREAM_FILE_BYTES,
      max_memory_store: JETSTREAM_MEMORY_BYTES,
      sync_interval: "always",
    },
    authorization: { users: identities.map(user) },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function user(identity: BusIdentity): object {
  const { publish, subscribe } = permissionsOf(identity);
  return {
    user: userName(identity),
    permissions: { publish, subscribe, ...(identity.kind === "agent" && { allow_responses: { max: 1, expires: REPLY_EXPIRY } }) },
  };
}
