import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openCertificateStore, writeWhole } from "./certificate-store.ts";
import type { CertificateStore, ClientTls } from "./certificate-store.ts";
import { natsConfig } from "./config.ts";
import type { ListenAddress, NatsFiles } from "./config.ts";
import { freePort } from "./free-port.ts";
import { controlPlane, userName } from "./identity.ts";
import type { AgentIdentity, BusIdentity } from "./identity.ts";
import { stopLeftover } from "./leftover.ts";
import { NatsStartFailed, startServerProcess } from "./server-process.ts";
import type { ServerProcess } from "./server-process.ts";

const FIRST_RESTART_DELAY_MS = 100;
const LONGEST_RESTART_DELAY_MS = 30_000;
/** A server that ran this long was healthy: the next restart is quick again. */
const HEALTHY_AFTER_MS = 60_000;
/** Certificates are looked at this often; they have 15 days left when they are renewed. */
const RENEWAL_CHECK_MS = 12 * 60 * 60_000;
/** Somebody else may take a free port before the server does. */
const START_ATTEMPTS = 3;

export interface NatsOptions {
  /** A folder of the server's own, in the state directory. */
  readonly folder: string;
  /** The nats-server to run. */
  readonly program: string;
  /** Loopback and the port of last time (at first a free one) unless told. `names`: what else clients dial it by. */
  readonly listen?: { readonly host?: string; readonly port?: number; readonly names?: readonly string[] };
  readonly agents: readonly AgentIdentity[];
  readonly say: (line: string) => void;
  readonly now?: () => number;
  /** How often certificates are looked at; RENEWAL_CHECK_MS by default. */
  readonly renewalCheckMs?: number;
}

/** Our own NATS server. It ends with this process, whichever way that ends, and is started again when it dies alone. */
export interface NatsServer {
  /** For clients on this machine. */
  readonly url: string;
  readonly port: number;
  /** Of the present life; undefined between two. */
  pid(): number | undefined;
  /** What an identity dials with. Only the control plane and agents that were added are let in. */
  tlsFor(identity: BusIdentity): Promise<ClientTls>;
  /** Resolves when the server lets the agent in. */
  addAgent(agent: AgentIdentity): Promise<void>;
  /** Resolves when the server has cut the agent off. */
  removeAgent(agent: AgentIdentity): Promise<void>;
  stop(): Promise<void>;
  /** Resolves after `stop`. */
  readonly stopped: Promise<void>;
}

/** Throws NatsStartFailed when the first start does not succeed. */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const certificates = await openCertificateStore(join(options.folder, "tls"), options.now ?? Date.now);
  const host = options.listen?.host ?? "127.0.0.1";
  const names = ["localhost", "127.0.0.1", ...(isEveryAddress(host) ? [] : [host]), ...(options.listen?.names ?? [])];
  const files = await filesIn(options.folder, certificates, names);
  const agents = new Map(options.agents.map((agent) => [userName(agent), agent]));
  const configure = (listen: ListenAddress) => writeWhole(files.config, natsConfig(listen, files, [controlPlane, ...agents.values()]));
  const first = await firstStart(options, host, files, configure);
  return supervise({ options, certificates, names, files, agents, configure }, { host, port: first.port }, first.server);
}

interface Parts {
  readonly options: NatsOptions;
  readonly certificates: CertificateStore;
  readonly names: readonly string[];
  readonly files: NatsFiles;
  readonly agents: Map<string, AgentIdentity>;
  readonly configure: (listen: ListenAddress) => Promise<void>;
}

function supervise(parts: Parts, listen: ListenAddress, first: ServerProcess): NatsServer {
  const { options, certificates, files, agents } = parts;
  const stopping = new AbortController();
  let server: ServerProcess | undefined = first;
  const keepRunning = async (): Promise<void> => {
    for (let failures = 0; ;) {
      const startedAt = performance.now();
      const end = await server?.ended;
      if (stopping.signal.aborted) return;
      server = undefined;
      failures = performance.now() - startedAt > HEALTHY_AFTER_MS ? 0 : failures + 1;
      const delayMs = Math.min(LONGEST_RESTART_DELAY_MS, FIRST_RESTART_DELAY_MS * 2 ** (failures - 1));
      options.say(`nats-server ended (${end?.complaint || `exit code ${end?.code ?? "unknown"}`}); starting it again in ${delayMs} ms`);
      await delay(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      const next = await inOrder(async () => (server = await startServerProcess(options.program, files).catch(failedLife)));
      if (stopping.signal.aborted) return next.stop();
    }
  };
  // Starts and changes of the configuration and of certificates one at a time, in the order they were asked for: a start reads what is written.
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  const apply = async (): Promise<void> => {
    await parts.configure(listen);
    await server?.reload();
  };
  const reconfigure = (): Promise<void> => inOrder(apply);
  const stopped = keepRunning();
  const renewal = setInterval(
    () => void renew().catch((error: unknown) => options.say(`certificates were not renewed: ${String(error)}`)),
    options.renewalCheckMs ?? RENEWAL_CHECK_MS,
  );
  renewal.unref();
  const certificateOf = (identity: BusIdentity) =>
    certificates.certificateFor(userName(identity), { kind: "client", user: userName(identity) });
  // Clients read their files whenever they dial, so a renewed certificate is taken up by the next connection.
  const renew = (): Promise<void> =>
    inOrder(async () => {
      if (stopping.signal.aborted) return;
      for (const identity of [controlPlane, ...agents.values()]) await certificateOf(identity);
      const { phase } = await certificates.certificateFor("server", { kind: "server", names: parts.names });
      if (phase === "issued") await apply();
    });

  return {
    url: `tls://${isEveryAddress(listen.host) ? "127.0.0.1" : listen.host}:${listen.port}`,
    port: listen.port,
    pid: () => server?.pid,
    stopped,
    tlsFor: (identity) => inOrder(() => certificateOf(identity)),
    addAgent(agent) {
      agents.set(userName(agent), agent);
      return reconfigure();
    },
    removeAgent(agent) {
      agents.delete(userName(agent));
      return reconfigure();
    },
    async stop() {
      stopping.abort();
      clearInterval(renewal);
      await last;
      await server?.stop();
      await stopped;
    },
  };
}

/** A start that failed counts as a life that ended at once. */
function failedLife(error: unknown): ServerProcess {
  const complaint = error instanceof Error ? error.message : String(error);
  return { pid: 0, ended: Promise.resolve({ code: 1, complaint }), reload: async () => undefined, stop: async () => undefined };
}

async function firstStart(
  options: NatsOptions,
  host: string,
  files: NatsFiles,
  configure: (listen: ListenAddress) => Promise<void>,
): Promise<{ readonly server: ServerProcess; readonly port: number }> {
  // Before the port is chosen: an earlier run's server may still hold it.
  await stopLeftover(files.pid, files.config);
  const fixed = options.listen?.port;
  for (let attempt = 1; ; attempt += 1) {
    const port = fixed ?? (await freePort(host, attempt === 1 ? await lastPort(files.config) : undefined));
    await configure({ host, port });
    try {
      return { server: await startServerProcess(options.program, files), port };
    } catch (error) {
      const isRetryable = error instanceof NatsStartFailed && /address already in use/.test(error.message);
      if (!isRetryable || fixed !== undefined || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** The port of the last run, so that agents elsewhere find the server again. */
async function lastPort(configFile: string): Promise<number | undefined> {
  try {
    const { port } = JSON.parse(await readFile(configFile, "utf8")) as { readonly port?: unknown };
    return typeof port === "number" && port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}

async function filesIn(folder: string, certificates: CertificateStore, names: readonly string[]): Promise<NatsFiles> {
  const { caFile, certFile, keyFile } = await certificates.certificateFor("server", { kind: "server", names });
  return {
    config: join(folder, "nats-server.conf"),
    log: join(folder, "nats-server.log"),
    store: join(folder, "store"),
    pid: join(folder, "nats-server.pid"),
    authority: caFile,
    certificate: certFile,
    key: keyFile,
  };
}

function isEveryAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
