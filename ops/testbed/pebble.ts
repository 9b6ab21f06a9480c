import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createAuthority, issueCertificate } from "../nats/authority.ts";
import { freePort } from "../nats/free-port.ts";
import { CommandFailed, run, until } from "./command.ts";
import { withLock } from "./lock.ts";
import { cacheDirectory } from "./prepare.ts";

/** Let's Encrypt's small authority for tests (MPL-2.0), and its DNS server for tests. */
const VERSION = "v2.10.1";
const PROGRAMS = ["pebble", "pebble-challtestsrv"] as const;
const BUILD_TIMEOUT_MS = 5 * 60_000;
const START_TIMEOUT_MS = 20_000;

/** Where the programs are, or one sentence why there are none. */
export type PebblePrograms =
  | { readonly kind: "ready"; readonly folder: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** Builds the programs once on a machine, from the Go module proxy. Never throws. */
export async function pebblePrograms(): Promise<PebblePrograms> {
  const cache = cacheDirectory();
  const folder = join(cache, `pebble-${VERSION}`);
  const areThere = (): boolean => PROGRAMS.every((program) => existsSync(join(folder, program)));
  if (areThere()) return { kind: "ready", folder };
  // Debian's package puts the newest it has beside the others, and not always on PATH.
  const path = [process.env["PATH"] ?? "", "/usr/local/go/bin", "/usr/lib/go/bin"].join(delimiter);
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    await withLock(join(cache, "pebble.lock"), BUILD_TIMEOUT_MS, async () => {
      if (areThere()) return;
      const modules = PROGRAMS.map((program) => `github.com/letsencrypt/pebble/v2/cmd/${program}@${VERSION}`);
      await run("go", ["install", ...modules], { env: { ...process.env, PATH: path, GOBIN: folder }, timeoutMs: BUILD_TIMEOUT_MS });
    });
    return { kind: "ready", folder };
  } catch (error) {
    const why = error instanceof CommandFailed ? error.lastLine : error instanceof Error ? error.message : String(error);
    return { kind: "unavailable", reason: `needs pebble, an ACME authority for tests, built by Go 1.24 or newer (${why})` };
  }
}

export interface PebbleOptions {
  /** The authority and the DNS server listen there. */
  readonly address: string;
  /** Where every host name leads, unless `resolve` says otherwise. */
  readonly hostsAt: string;
  /** Of the hosts, where the authority looks for its proof. */
  readonly httpPort: number;
  /** Of the certificates it issues. */
  readonly lifeSeconds?: number;
  /** So many of a hundred nonces are refused, as real authorities do after a while. */
  readonly refusedNoncesPercent?: number;
  readonly blockedDomains?: readonly string[];
}

type PebblePorts = Readonly<Record<"acme" | "management" | "dns" | "dnsManagement", number>>;

/** An ACME authority as a process, with a DNS server of its own. It forgets everything when it is restarted, its root included. */
export class Pebble {
  readonly #programs: string;
  readonly #options: PebbleOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), "odysseus-pebble-"));
  readonly #ports: PebblePorts;
  /** PEM: signs the certificate of the authority's own server. */
  readonly serverRoot: string;
  #dns: ChildProcess | undefined;
  #pebble: ChildProcess | undefined;

  private constructor(programs: string, options: PebbleOptions, ports: PebblePorts, serverRoot: string) {
    this.#programs = programs;
    this.#options = options;
    this.#ports = ports;
    this.serverRoot = serverRoot;
  }

  static async start(programs: string, options: PebbleOptions): Promise<Pebble> {
    const { address } = options;
    const ports = {
      acme: await freePort(address, undefined),
      management: await freePort(address, undefined),
      dns: await freePort(address, undefined),
      dnsManagement: await freePort(address, undefined),
    };
    const authority = await createAuthority(Date.now());
    const pair = await issueCertificate(authority, { kind: "server", names: ["localhost", address] }, Date.now());
    const pebble = new Pebble(programs, options, ports, authority.cert);
    writeFileSync(join(pebble.#folder, "cert.pem"), pair.cert);
    writeFileSync(join(pebble.#folder, "key.pem"), pair.key, { mode: 0o600 });
    try {
      await pebble.#startDns();
      await pebble.startAuthority();
      return pebble;
    } catch (error) {
      await pebble.stop();
      throw error;
    }
  }

  get directoryUrl(): string {
    return `https://${this.#options.address}:${this.#ports.acme}/dir`;
  }

  get logPath(): string {
    return join(this.#folder, "pebble.log");
  }

  /** PEM: what it issues comes from this root. */
  issuingRoot(): Promise<string> {
    return this.#get(`https://${this.#options.address}:${this.#ports.management}/roots/0`);
  }

  /** From now on the host's name leads there. */
  async resolve(host: string, address: string): Promise<void> {
    await fetch(`http://${this.#options.address}:${this.#ports.dnsManagement}/add-a`, {
      method: "POST",
      body: JSON.stringify({ host, addresses: [address] }),
    });
  }

  async startAuthority(): Promise<void> {
    const { address, httpPort, lifeSeconds = 7_776_000, blockedDomains = [], refusedNoncesPercent = 0 } = this.#options;
    const configuration = {
      pebble: {
        listenAddress: `${address}:${this.#ports.acme}`,
        managementListenAddress: `${address}:${this.#ports.management}`,
        certificate: join(this.#folder, "cert.pem"),
        privateKey: join(this.#folder, "key.pem"),
        httpPort,
        tlsPort: 1,
        domainBlocklist: blockedDomains,
        keyAlgorithm: "ecdsa",
        profiles: { default: { description: "for tests", validityPeriod: lifeSeconds } },
      },
    };
    const file = join(this.#folder, "config.json");
    writeFileSync(file, JSON.stringify(configuration));
    const log = openSync(this.logPath, "a");
    this.#pebble = spawn(join(this.#programs, "pebble"), ["-config", file, "-dnsserver", `${address}:${this.#ports.dns}`], {
      stdio: ["ignore", log, log],
      env: { ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: String(refusedNoncesPercent) },
    });
    await until(`pebble answers (${this.logPath})`, () => this.#answers(), START_TIMEOUT_MS);
  }

  async stopAuthority(): Promise<void> {
    const child = this.#pebble;
    this.#pebble = undefined;
    await ended(child);
  }

  async stop(): Promise<void> {
    await this.stopAuthority();
    await ended(this.#dns);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #startDns(): Promise<void> {
    const { address, hostsAt } = this.#options;
    const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", ""];
    const own = ["-dnsserver", `${address}:${this.#ports.dns}`, "-management", `${address}:${this.#ports.dnsManagement}`];
    this.#dns = spawn(join(this.#programs, "pebble-challtestsrv"), [...off, ...own, "-defaultIPv4", hostsAt], { stdio: "ignore" });
    const management = `http://${address}:${this.#ports.dnsManagement}/`;
    await until("the DNS server for tests answers", () => fetch(management).then(Boolean, () => false), START_TIMEOUT_MS);
  }

  #answers(): Promise<boolean> {
    return this.#get(this.directoryUrl).then(Boolean, () => false);
  }

  #get(url: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const asked = request(url, { ca: this.serverRoot, agent: false, timeout: 1_000, headers: { "user-agent": "test" } }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => (response.statusCode === 200 ? resolve(text) : reject(new Error(`${url}: ${response.statusCode}`))));
      });
      asked.on("error", reject);
      asked.end();
    });
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  child.kill("SIGKILL");
  await promise;
}
