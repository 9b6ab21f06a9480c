import { hostname } from "node:os";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Registry } from "prom-client";
import type { NodeSoft } from "../../actors/views.ts";
import { addressOf } from "../../runtime/address.ts";
import type { Bus } from "../../runtime/bus.ts";
import type { Log } from "../../runtime/log.ts";
import { prometheusMeter } from "../../runtime/metrics.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { Administrator } from "../../web/api/auth/administrator.ts";
import type { Api } from "../../web/api/server.ts";
import type { AgentFileInput } from "../agent/settings.ts";
import { connectBus, withoutSecrets, type BusAccess } from "../nats/connect.ts";
import { controlPlane as controlPlaneIdentity, inboxPrefix, type AgentIdentity, type BusIdentity } from "../nats/identity.ts";
import { startNats, type NatsServer } from "../nats/nats.ts";
import { exitCodes } from "../start/exit-codes.mjs";
import { alwaysConsent, consentFromTerminal, type ProvisionContext } from "../tools/context.ts";
import { findEngine } from "../tools/docker.ts";
import { findTool, type FoundTool } from "../tools/find-tool.ts";
import { tools } from "../tools/table.ts";
import { productVersion } from "../version.ts";
import { startControlPlane, type ControlPlane } from "./control-plane.ts";
import { StartFailure } from "./failure.ts";
import type { Home } from "./home.ts";
import { startLocalAgent } from "./local-agent.ts";
import { nodeNameOf } from "./node-name.ts";
import { readNodeSettings } from "./node-settings.ts";
import { MAX_SIMULATED_NODES, type StartOptions } from "./options.ts";
import { tokenOfProfile } from "./profile.ts";
import { startSimulatedNodes } from "./simulated-nodes.ts";

/** The one tenant of an installation, until there are more. */
export const TENANT = "default";

export interface Running {
  readonly url: string;
  readonly signInLink: string;
  stop(): Promise<void>;
}

interface Environment {
  readonly home: Home;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  /** Called when this process can do no more; `sentence` says why. */
  readonly giveUp: (sentence: string, exitCode: number) => void;
}

/** Everything a start brings up, in order; `stop` takes it down in the opposite one. Rejects after taking down what had come up. */
export async function run(options: StartOptions, around: Environment): Promise<Running> {
  const { home, log, say } = around;
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end();
  };
  try {
    const context = provisioning(options, around);
    // Looked for together, so that one is fetched while the other is installed.
    const natsTool = options.nats === undefined ? findTool("nats-server", context) : undefined;
    const engine = options.nodes.kind === "local" ? await engineOf(context) : undefined;
    const node = nodeNameOf(hostname());
    const agent: AgentIdentity = { kind: "agent", tenant: TENANT, node };
    const nats = natsTool === undefined ? undefined : await ownNats(await natsTool, context, home, engine === undefined ? [] : [agent]);
    if (nats !== undefined) stops.push(() => nats.stop());
    const bus = await busOf(options, nats, log);
    stops.push(() => bus.close());
    const administrator = new Administrator({ file: home.credentials, tenant: TENANT, clock: systemClock });
    const metrics = new Registry();
    const controlPlane = await listening(options, () =>
      startControlPlane({
        home,
        tenants: [TENANT],
        auth: administrator,
        bus,
        listen: { host: options.host, port: options.port },
        log,
        meter: prometheusMeter(metrics),
        metrics,
        version: productVersion,
        onFenced: () =>
          around.giveUp("Another control plane has taken over these tenants; this one has stopped acting.", exitCodes.homeInUse),
      }),
    );
    stops.push(() => controlPlane.stop());
    if (options.nodes.kind === "simulated") {
      const agents = await startSimulatedNodes({ count: options.nodes.count, tenant: TENANT, bus, log, version: productVersion });
      stops.push(async () => void (await Promise.all(agents.map((each) => each.stop()))));
    } else if (engine !== undefined) {
      const access = await accessOf(agent, options, nats);
      const { allow } = readNodeSettings(home.nodeSettings);
      const local = startLocalAgent(
        {
          tenant: TENANT,
          node,
          engineSocket: engine.socketPath,
          directory: home.agent(node),
          nats: access,
          address: "127.0.0.1",
          ingress: ingressOf(around),
          degraded: engine.degraded === undefined ? [] : [engine.degraded],
          allow,
        },
        log,
      );
      stops.push(() => local.stop());
      if (engine.degraded !== undefined) say(`This machine's node is degraded: ${engine.degraded}`);
    }
    await nodesJoined(controlPlane, options, say);
    return { ...signIn(controlPlane.api, administrator, home), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Agents say hello within seconds; until then what ran before a restart is unknown. A start is ready without them, and says so. */
const JOIN_TIMEOUT_MS = 20_000;
const JOIN_POLL_MS = 50;

async function nodesJoined({ readsOf, host }: ControlPlane, { nodes }: StartOptions, say: (line: string) => void): Promise<void> {
  const expected = nodes.kind === "simulated" ? nodes.count : nodes.kind === "local" ? 1 : 0;
  const deadline = performance.now() + JOIN_TIMEOUT_MS;
  for (;;) {
    const { items } = await readsOf(TENANT).rows({ kind: "node", where: { connection: "joined" }, limit: MAX_SIMULATED_NODES });
    const heard = items.filter(({ id }) => (host.soft(addressOf(TENANT, "node", id)) as NodeSoft | undefined)?.lastHeardAtMs !== undefined);
    if (heard.length >= expected) return;
    if (performance.now() > deadline) return say(`Only ${heard.length} of ${expected} nodes have joined so far; see npx odysseus nodes.`);
    await delay(JOIN_POLL_MS);
  }
}

function provisioning(options: StartOptions, { home, env, say }: Environment): ProvisionContext {
  return { toolsFolder: home.tools, env, say, consent: options.consent === "given" ? alwaysConsent : consentFromTerminal() };
}

/** The agent brings the proxy when a port or a route asks for it: a start does not wait for it. */
function ingressOf({ env, home }: Environment): AgentFileInput["ingress"] {
  const named = env[tools.traefik.environmentVariable];
  return named === undefined || named === "" ? { kind: "image", toolsDirectory: home.tools } : { kind: "program", path: resolve(named) };
}

async function engineOf(context: ProvisionContext): Promise<{ readonly socketPath: string; readonly degraded?: string }> {
  const engine = await findEngine(context);
  if (engine.kind !== "ready") throw new StartFailure(engine.sentence, engine.exitCode);
  return engine;
}

async function ownNats(tool: FoundTool, context: ProvisionContext, home: Home, agents: readonly AgentIdentity[]): Promise<NatsServer> {
  if (tool.kind === "missing") throw new StartFailure(tool.sentence, tool.exitCode);
  return startNats({ folder: home.nats, program: tool.path, agents, say: context.say });
}

const BUS_CONNECT_TIMEOUT_MS = 15_000;
const BUS_POLL_MS = 20;

async function busOf(options: StartOptions, nats: NatsServer | undefined, log: Log): Promise<Bus> {
  const access = await accessOf(controlPlaneIdentity, options, nats);
  const bus = connectBus({ ...access, name: "control plane", clock: systemClock, log });
  const deadline = performance.now() + BUS_CONNECT_TIMEOUT_MS;
  while (bus.status().kind !== "connected") {
    if (performance.now() > deadline) {
      await bus.close();
      throw new StartFailure(
        `NATS at ${withoutSecrets(access.url)} did not answer within ${BUS_CONNECT_TIMEOUT_MS / 1_000} s: check that it runs and that NATS_URL is right.`,
        exitCodes.natsFailed,
      );
    }
    await delay(BUS_POLL_MS);
  }
  return bus;
}

/** How an identity dials: our own server knows each by its certificate, a server of the user's by what the user gave us. */
async function accessOf(identity: BusIdentity, { nats: own }: StartOptions, nats: NatsServer | undefined): Promise<BusAccess> {
  if (nats === undefined)
    return {
      url: own?.url ?? "",
      inboxPrefix: inboxPrefix(identity),
      credsFile: own?.credsFile,
      ...(own?.tls === undefined ? {} : { tls: own.tls }),
    };
  const { caFile, certFile, keyFile } = await nats.tlsFor(identity);
  return { url: nats.url, inboxPrefix: inboxPrefix(identity), tls: { caFile, certFile, keyFile } };
}

async function listening(options: StartOptions, start: () => Promise<ControlPlane>): Promise<ControlPlane> {
  try {
    return await start();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE")
      throw new StartFailure(
        `Port ${options.port} at ${options.host} is in use by another program: end it, or choose another with --port.`,
        exitCodes.portInUse,
        error,
      );
    if (code === "EADDRNOTAVAIL")
      throw new StartFailure(`${options.host} is not an address of this machine: choose another with --host.`, exitCodes.usage, error);
    throw error;
  }
}

/** A token that is still good stays, for those who have it in ODYSSEUS_TOKEN; a new one of this name ends the old one. */
function signIn(api: Api, administrator: Administrator, home: Home): { readonly url: string; readonly signInLink: string } {
  const kept = tokenOfProfile(home.path);
  const isGood = kept !== undefined && administrator.byToken(kept) !== undefined;
  home.writeProfile({ url: api.url, token: isGood ? kept : administrator.issueToken("cli on this machine") });
  return { url: api.url, signInLink: `${api.url}/sign-in?token=${administrator.issueLinkToken()}` };
}
