import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "nats";
import type { NatsConnection } from "nats";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { isDueForRenewal } from "../../../ops/nats/authority.ts";
import { controlPlane, inboxPrefix } from "../../../ops/nats/identity.ts";
import type { AgentIdentity, BusIdentity } from "../../../ops/nats/identity.ts";
import { startNats } from "../../../ops/nats/nats.ts";
import type { NatsOptions, NatsServer } from "../../../ops/nats/nats.ts";
import { natsProgram } from "../../support/nats-program.ts";

const n1: AgentIdentity = { kind: "agent", tenant: "acme", node: "n1" };
const n2: AgentIdentity = { kind: "agent", tenant: "acme", node: "n2" };
let program: string;

beforeAll(async () => {
  program = await natsProgram();
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "odysseus-nats-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function start(options: Partial<NatsOptions> = {}): Promise<NatsServer> {
  const server = await startNats({
    folder: options.folder ?? (await folder()),
    program,
    agents: [n1, n2],
    say: () => undefined,
    ...options,
  });
  onTestFinished(() => server.stop());
  return server;
}

async function dial(server: NatsServer, identity: BusIdentity, options: { readonly inboxPrefix?: string } = {}): Promise<NatsConnection> {
  const { caFile, certFile, keyFile } = await server.tlsFor(identity);
  const connection = await connect({
    servers: server.url,
    tls: { caFile, certFile, keyFile },
    inboxPrefix: inboxPrefix(identity),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    ...options,
  });
  onTestFinished(() => connection.close());
  return connection;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the built-in NATS server", () => {
  test("the control plane asks an agent, and the agent answers", async () => {
    const server = await start();
    const agent = await dial(server, n1);
    agent.subscribe("ody.acme.agent.n1", { callback: (_error, message) => void message.respond("pong") });
    await agent.flush();
    const asker = await dial(server, controlPlane);
    expect((await asker.request("ody.acme.agent.n1", "ping")).string()).toBe("pong");
    expect(asker.info?.version).toMatch(/^2\./);
    expect(asker.info?.jetstream).toBe(true);
  });

  test("an agent can neither speak for nor listen to another node", async () => {
    const server = await start();
    const agent = await dial(server, n1);
    const denied: string[] = [];
    void (async () => {
      for await (const status of agent.status()) if (status.type === "error") denied.push(String(status.error));
    })();
    for (const subject of ["ody.acme.agent.n2", "_INBOX.>", `${inboxPrefix(n2)}.>`, "ody.>", "$JS.API.>"]) {
      agent.subscribe(subject, { callback: () => undefined });
    }
    for (const subject of ["ody.acme.node.n2", "ody.acme.agent.n2", "ody.other.node.n1", "$JS.API.INFO"]) agent.publish(subject, "forged");
    await agent.flush();
    await expect.poll(() => denied).toHaveLength(9);
  });

  test("without a certificate of ours nobody is let in", async () => {
    const server = await start();
    const { caFile } = await server.tlsFor(controlPlane);
    await expect(connect({ servers: server.url, tls: { caFile }, reconnect: false, timeout: 1_000 })).rejects.toThrow();
  });

  test("an agent is let in once it is added, and cut off once it is removed, while the others stay", async () => {
    const server = await start({ agents: [n1] });
    const other = await dial(server, n1);
    await expect(dial(server, n2, {})).rejects.toThrow(/authorization/i);
    await server.addAgent(n2);
    const agent = await dial(server, n2);
    const statuses: string[] = [];
    void (async () => {
      for await (const status of agent.status()) statuses.push(status.type);
    })();
    await server.removeAgent(n2);
    await expect.poll(() => agent.isClosed() || statuses.includes("disconnect") || statuses.includes("error")).toBe(true);
    expect(other.isClosed()).toBe(false);
    await other.flush();
  });

  test("when it is killed it comes back on the same port and clients find it again", async () => {
    const server = await start();
    const client = await dial(server, controlPlane);
    const pid = server.pid();
    process.kill(pid!, "SIGKILL");
    await expect.poll(() => server.pid()).not.toBe(pid);
    await expect.poll(() => client.flush()).toBeUndefined();
  });

  test("a second run uses the same port and authority; keys are the owner's alone", async () => {
    const home = await folder();
    const first = await startNats({ folder: home, program, agents: [], say: () => undefined });
    const { ca } = await first.tlsFor(controlPlane);
    await first.stop();
    const second = await start({ folder: home });
    expect(second.port).toBe(first.port);
    expect((await second.tlsFor(controlPlane)).ca).toBe(ca);
    for (const name of await readdir(join(home, "tls"))) expect((await stat(join(home, "tls", name))).mode & 0o077).toBe(0);
    expect((await stat(join(home, "nats-server.conf"))).mode & 0o077).toBe(0);
  });

  test("while it runs, clients' certificates are renewed too, and the next connection takes them up", async () => {
    const home = await folder();
    let agoMs = 16 * 86_400_000;
    const server = await start({ folder: home, now: () => Date.now() - agoMs, renewalCheckMs: 50 });
    const { caFile, certFile, keyFile, cert } = await server.tlsFor(n1);
    await server.tlsFor(controlPlane);
    agoMs = 0;
    const files = [certFile, join(home, "tls", "control-plane.crt"), join(home, "tls", "server.crt")];
    const isDue = async (file: string): Promise<boolean> => isDueForRenewal(await readFile(file, "utf8"), Date.now());
    await expect.poll(() => Promise.all(files.map(isDue))).toEqual(files.map(() => false));
    expect(await readFile(certFile, "utf8")).not.toBe(cert);
    const connection = await connect({ servers: server.url, tls: { caFile, certFile, keyFile }, inboxPrefix: inboxPrefix(n1) });
    await connection.close();
  });

  test("certificates are renewed when less than half of their life remains", async () => {
    const home = await folder();
    const fifteenDaysMs = 15 * 24 * 60 * 60_000;
    const first = await startNats({ folder: home, program, agents: [], say: () => undefined });
    const { cert } = await first.tlsFor(controlPlane);
    expect((await first.tlsFor(controlPlane)).cert).toBe(cert);
    await first.stop();
    const later = await start({ folder: home, now: () => Date.now() + fifteenDaysMs });
    expect((await later.tlsFor(controlPlane)).cert).not.toBe(cert);
  });

  test("it ends when the process that started it is killed outright", async () => {
    const home = await folder();
    const script = join(home, "starter.ts");
    const module = join(import.meta.dirname, "../../../ops/nats/nats.ts");
    await writeFile(
      script,
      `import { startNats } from ${JSON.stringify(module)};
       const server = await startNats({ folder: ${JSON.stringify(join(home, "nats"))}, program: ${JSON.stringify(program)}, agents: [], say: () => {} });
       console.log(server.pid());
       setInterval(() => {}, 1000);`,
    );
    const starter = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(starter.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    starter.kill("SIGKILL");
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test("a server that an earlier run left behind is ended before a new one opens its store", async () => {
    const home = await folder();
    const first = await startNats({ folder: home, program, agents: [], say: () => undefined });
    const config = join(home, "nats-server.conf");
    await first.stop();
    const left = spawn(program, ["-c", config], { stdio: "ignore", detached: true });
    await expect.poll(() => readFile(join(home, "nats-server.pid"), "utf8")).toBe(String(left.pid));
    const ended = once(left, "exit");
    const second = await start({ folder: home });
    await ended;
    expect(second.port).toBe(first.port);
  });

  test("a port that is taken is named in the failure", async () => {
    const running = await start();
    await expect(
      startNats({ folder: await folder(), program, agents: [], say: () => undefined, listen: { port: running.port } }),
    ).rejects.toThrow(/did not start: .*address already in use/);
  });
});
