import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { startControlPlane, type ControlPlane } from "../../../ops/control-plane/control-plane.ts";
import { startSimulatedNodes } from "../../../ops/control-plane/simulated-nodes.ts";
import { until } from "../../../ops/testbed/command.ts";
import { silentLog } from "../../../runtime/log.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { Administrator } from "../../../web/api/auth/administrator.ts";
import type { Authenticator } from "../../../web/api/auth/identity.ts";

const TENANTS = ["acme", "rival"] as const;
type Tenant = (typeof TENANTS)[number];

/** Two tenants in one control plane, each with an administrator and a simulated node. */
class Installation {
  readonly #folder = mkdtempSync(join(tmpdir(), "odysseus-two-tenants-"));
  readonly #broker = new MemoryBroker(systemClock);
  readonly #administrators: Readonly<Record<Tenant, Administrator>>;
  readonly #tokens: Readonly<Record<Tenant, string>>;
  #controlPlane: ControlPlane | undefined;
  readonly #ends: (() => Promise<void>)[] = [];

  constructor() {
    const administrator = (tenant: Tenant): Administrator =>
      new Administrator({ file: join(this.#folder, `${tenant}.json`), tenant, clock: systemClock });
    this.#administrators = { acme: administrator("acme"), rival: administrator("rival") };
    this.#tokens = { acme: this.#administrators.acme.issueToken("test"), rival: this.#administrators.rival.issueToken("test") };
  }

  get files(): readonly string[] {
    return readdirSync(join(this.#folder, "tenants")).filter((name) => name.endsWith(".db"));
  }

  async start(): Promise<void> {
    const bus = this.#broker.connect("control plane");
    const first = <Found>(find: (each: Administrator) => Found | undefined): Found | undefined =>
      find(this.#administrators.acme) ?? find(this.#administrators.rival);
    const auth: Authenticator = {
      byToken: (token) => first((each) => each.byToken(token)),
      bySession: (session) => first((each) => each.bySession(session)),
      signIn: () => undefined,
    };
    this.#controlPlane = await startControlPlane({
      home: { tenants: join(this.#folder, "tenants"), masterKeys: join(this.#folder, "master-keys.json") },
      tenants: TENANTS,
      auth,
      bus,
      listen: { host: "127.0.0.1", port: 0 },
      log: silentLog,
      meter: noMeter,
      metrics: new Registry(),
      version: "test",
      onFenced: () => undefined,
    });
  }

  async nodes(): Promise<void> {
    for (const tenant of TENANTS) {
      const bus = this.#broker.connect(`nodes of ${tenant}`);
      const agents = await startSimulatedNodes({ count: 1, tenant, bus, log: silentLog, version: "test" });
      this.#ends.push(async () => void (await Promise.all(agents.map((agent) => agent.stop()))));
      await until(`the node of ${tenant} has joined`, async () => (await this.items(tenant, "/nodes")).length === 1, 20_000);
    }
  }

  async stop(): Promise<void> {
    await this.#controlPlane?.stop();
    this.#controlPlane = undefined;
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end();
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async call(
    tenant: Tenant,
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const type = body === undefined ? undefined : { "content-type": "application/json" };
    const response = await fetch(`${this.#controlPlane?.api.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#tokens[tenant]}`, ...type, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  async metrics(tenant: Tenant): Promise<string> {
    const headers = { authorization: `Bearer ${this.#tokens[tenant]}` };
    return (await fetch(`${this.#controlPlane?.api.url}/metrics`, { headers })).text();
  }

  async items(tenant: Tenant, path: string): Promise<readonly Record<string, unknown>[]> {
    const { text } = await this.call(tenant, "GET", path);
    return (JSON.parse(text) as { readonly items?: readonly Record<string, unknown>[] }).items ?? [];
  }

  async deploy(tenant: Tenant, name: string, ...hosts: readonly string[]): Promise<{ readonly status: number; readonly text: string }> {
    return this.call(tenant, "POST", "/deployments", { name, ...site(...hosts) });
  }

  /** Resolves once the route answers. */
  async answers(tenant: Tenant, host: string): Promise<void> {
    const isAnswering = async (): Promise<boolean> =>
      (await this.items(tenant, "/ingress/routes")).some((route) => route["host"] === host && route["status"] === "answers");
    await until(`${host} answers for ${tenant}`, isAnswering, 30_000);
  }
}

function site(...hosts: readonly string[]): Readonly<Record<string, unknown>> {
  return { image: "app:1", replicas: 1, ports: [{ containerPort: 80 }], routes: hosts.map((host) => ({ host })) };
}

async function started(): Promise<Installation> {
  const installation = new Installation();
  onTestFinished(() => installation.end());
  await installation.start();
  await installation.nodes();
  return installation;
}

describe("two tenants of one installation", () => {
  test("have a file each, and the installation has its own", async () => {
    const installation = await started();
    expect(installation.files.toSorted()).toEqual(["acme.db", "installation.db", "rival.db"]);
  });

  test("cannot publish one host name: the second is told that it is taken, and nothing else, wherever they look", async () => {
    const installation = await started();
    expect((await installation.deploy("acme", "shop", "app.example.com", "*.shop.example.com")).status).toBe(200);
    await installation.answers("acme", "app.example.com");

    const heard: string[] = [];
    const refused = async (method: string, path: string, body: unknown): Promise<void> => {
      const { status, text } = await installation.call("rival", method, path, body);
      expect([status, JSON.parse(text)]).toMatchObject([409, { code: "ingress.host-taken" }]);
      heard.push(text);
    };
    await refused("POST", "/deployments", { name: "web", ...site("app.example.com") });
    await refused("PUT", "/deployments/web", site("a.shop.example.com"));
    await refused("PUT", "/stacks/site", { members: [{ service: "web", spec: site("app.example.com") }] });
    expect((await installation.deploy("rival", "web", "web.example.com")).status).toBe(200);
    await refused("PATCH", "/deployments/web", { routes: [{ host: "app.example.com" }] });

    const plans = [
      await installation.call("rival", "POST", "/deployments/web/plan", site("app.example.com")),
      await installation.call("rival", "POST", "/stacks/site/plan", { members: [{ service: "web", spec: site("app.example.com") }] }),
    ];
    for (const { status, text } of plans) {
      expect(status).toBe(200);
      expect(text).toContain("This would be refused: The host name app.example.com is taken: use another one.");
      heard.push(text);
    }
    const lists = [
      "/deployments",
      "/ingress/routes",
      "/ingress/ports",
      "/certificates",
      "/events",
      "/audit",
      "/actors",
      "/deployments/sho",
    ];
    for (const path of lists) heard.push((await installation.call("rival", "GET", path)).text);
    expect(heard.join("\n")).not.toMatch(/acme|shop(?!\.example)/);
    expect(await installation.items("rival", "/audit?operation=deployments.create&outcome=refused")).toHaveLength(1);
    expect((await installation.items("rival", "/deployments")).map(({ name }) => name)).toEqual(["web"]);
  });

  test("see at /metrics what their own nodes do, and nothing of the other's", async () => {
    const installation = await started();
    await installation.deploy("acme", "shop", "app.example.com");
    const isUp = 'odysseus_ingress_proxy_up{tenant="acme",node="sim-1"} 1';
    await until("it is told", async () => (await installation.metrics("acme")).includes(isUp), 25_000);
    const seen = await installation.metrics("rival");
    expect(seen).toContain("odysseus_actors{");
    expect(seen).not.toMatch(/acme|shop|app\.example/);
  });

  test("have what the other has given back", async () => {
    const installation = await started();
    await installation.deploy("acme", "shop", "app.example.com");
    await installation.answers("acme", "app.example.com");
    await installation.call("acme", "DELETE", "/deployments/shop");
    await until("the name is free", async () => (await installation.deploy("rival", "web", "app.example.com")).status === 200, 30_000);
    await installation.answers("rival", "app.example.com");
    expect((await installation.deploy("acme", "shop", "app.example.com")).text).toContain("ingress.host-taken");
  });

  test("are answered as before when they repeat a request whose names the other has by now", async () => {
    const installation = await started();
    const key = { "idempotency-key": "move-1" };
    const move = (host: string, headers = {}) => installation.call("acme", "PATCH", "/deployments/shop", { routes: [{ host }] }, headers);
    await installation.deploy("acme", "shop", "app.example.com");
    const accepted = await move("new.example.com", key);
    expect(accepted.status).toBe(200);
    await installation.answers("acme", "new.example.com");
    expect((await move("app.example.com")).status).toBe(200);
    await until("the name is free", async () => (await installation.deploy("rival", "web", "new.example.com")).status === 200, 30_000);
    expect(await move("new.example.com", key)).toEqual(accepted);
    expect((await move("new.example.com")).text).toContain("ingress.host-taken");
  });

  test("keep their names over a restart, and one told that it is taken has changed nothing", async () => {
    const installation = await started();
    await installation.deploy("acme", "shop", "app.example.com");
    await installation.answers("acme", "app.example.com");
    expect((await installation.deploy("rival", "web", "app.example.com", "free.example.com")).status).toBe(409);
    await installation.stop();
    await installation.start();
    await installation.answers("acme", "app.example.com");
    expect((await installation.deploy("rival", "web", "app.example.com")).status).toBe(409);
    expect((await installation.deploy("acme", "blog", "free.example.com")).status).toBe(200);
  });
});
