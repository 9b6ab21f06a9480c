import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { nearestName } from "../../runtime/nearest-name.ts";

export const DEFAULT_PORT = 7070;
export const MAX_SIMULATED_NODES = 1_000;

/** What a person may say to `npm start`, complete and in its final form. */
export interface StartOptions {
  /** Absolute. Holds everything that must outlive the process. */
  readonly home: string;
  readonly host: string;
  readonly port: number;
  /** Agree to every change of this machine without being asked. Implied without a terminal. */
  readonly consent: "given" | "ask";
  readonly nodes: { readonly kind: "local" } | { readonly kind: "simulated"; readonly count: number } | { readonly kind: "none" };
  /** The user's own NATS; absent: one of ours. */
  readonly nats: OwnNats | undefined;
}

export interface OwnNats {
  /** May carry a user and a password. */
  readonly url: string;
  /** Files in PEM form, for a server that asks for certificates. */
  readonly tls: { readonly caFile: string; readonly certFile: string; readonly keyFile: string } | undefined;
  readonly credsFile: string | undefined;
}

export type Parsed =
  | { readonly kind: "start"; readonly options: StartOptions }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "wrong"; readonly sentence: string };

export const HELP = `Usage: npm start -- [options]

Starts Odysseus on this machine: NATS, the control plane with its API, and an agent for the local Docker engine.
What is missing is installed. A second start goes on where the last one ended.

  --port N       port of the API on loopback (default ${DEFAULT_PORT})
  --host ADDR    address the API listens at (default 127.0.0.1)
  --home DIR     state directory (default ODYSSEUS_HOME, else odysseus in the XDG data home)
  --simulate N   N simulated nodes instead of the local engine: a tour without Docker and without root
  --no-node      no node on this machine; agents elsewhere join over the NATS of NATS_URL
  --yes          ask nothing; without a terminal nothing is ever asked
  --help         this text

Environment: ODYSSEUS_HOME, ODYSSEUS_NATS_SERVER and ODYSSEUS_TRAEFIK (programs to run), NATS_URL (a NATS of your own),
NATS_CREDS (a credentials file), NATS_CA, NATS_CERT, NATS_KEY (PEM files, where it asks for certificates), DOCKER_HOST (an engine's socket).

Example: npm start -- --simulate 20 --port 7171
`;

const FLAGS = {
  port: { type: "string" },
  host: { type: "string" },
  home: { type: "string" },
  simulate: { type: "string" },
  "no-node": { type: "boolean" },
  yes: { type: "boolean", short: "y" },
  help: { type: "boolean", short: "h" },
} as const;

/** Unknown flags and values out of range are refused, with the nearest that would be right. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv, hasTerminal: boolean): Parsed {
  const { tokens, values, positionals } = parseArgs({
    args: [...args],
    options: FLAGS,
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (!(token.name in FLAGS)) return wrong(`There is no option --${token.name}.${suggestion(token.name)}`);
    if (FLAGS[token.name as keyof typeof FLAGS].type === "string" && token.value === undefined)
      return wrong(`--${token.name} needs a value.`);
  }
  if (values.help === true) return { kind: "help", text: HELP };
  if (positionals[0] !== undefined)
    return wrong(`"${positionals[0]}" is not an option. Commands are given to odysseus: npx odysseus ${positionals[0]}.`);
  const port = wholeNumber(values.port, 0, 65_535) ?? (values.port === undefined ? DEFAULT_PORT : undefined);
  if (port === undefined) return wrong(`--port must be a whole number from 0 to 65535, not "${String(values.port)}".`);
  const simulated = wholeNumber(values.simulate, 1, MAX_SIMULATED_NODES);
  if (values.simulate !== undefined && simulated === undefined)
    return wrong(`--simulate must be a whole number from 1 to ${MAX_SIMULATED_NODES}, not "${String(values.simulate)}".`);
  if (simulated !== undefined && values["no-node"] === true) return wrong("--simulate and --no-node exclude each other.");
  const nats = ownNats(env);
  if (typeof nats === "string") return wrong(nats);
  const options: StartOptions = {
    home: homeOf(typeof values.home === "string" ? values.home : undefined, env),
    host: typeof values.host === "string" ? values.host : "127.0.0.1",
    port,
    consent: values.yes === true || !hasTerminal ? "given" : "ask",
    nodes: simulated !== undefined ? { kind: "simulated", count: simulated } : { kind: values["no-node"] === true ? "none" : "local" },
    nats,
  };
  return { kind: "start", options };
}

function ownNats(env: NodeJS.ProcessEnv): OwnNats | undefined | string {
  const { NATS_URL: url, NATS_CA: caFile, NATS_CERT: certFile, NATS_KEY: keyFile } = env;
  if (!url) return undefined;
  const credsFile = env["NATS_CREDS"] || undefined;
  if (!caFile && !certFile && !keyFile) return { url, credsFile, tls: undefined };
  return caFile && certFile && keyFile
    ? { url, credsFile, tls: { caFile, certFile, keyFile } }
    : "NATS_CA, NATS_CERT and NATS_KEY go together: set all three, or none.";
}

function homeOf(named: string | undefined, env: NodeJS.ProcessEnv): string {
  const home = env["HOME"] || homedir();
  const chosen = named ?? (env["ODYSSEUS_HOME"] || join(env["XDG_DATA_HOME"] || join(home, ".local", "share"), "odysseus"));
  return isAbsolute(chosen) ? chosen : resolve(chosen);
}

function wholeNumber(text: unknown, min: number, max: number): number | undefined {
  if (typeof text !== "string" || !/^\d{1,6}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}

function suggestion(name: string): string {
  const nearest = nearestName(name, Object.keys(FLAGS));
  return nearest === undefined ? " See npm start -- --help." : ` Did you mean --${nearest}?`;
}

function wrong(sentence: string): Parsed {
  return { kind: "wrong", sentence };
}
