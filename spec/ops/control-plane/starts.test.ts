import { execFileSync } from "node:child_process";
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ChangeView, DeploymentView } from "../../../actors/views.ts";
import { tokenOfProfile } from "../../../ops/control-plane/profile.ts";
import { exitCodes } from "../../../ops/start/exit-codes.mjs";
import { until } from "../../../ops/testbed/command.ts";
import { requireCapability } from "../../support/capability.ts";
import { api, newHome, start, untilNothingRunsFor } from "./start.ts";

const TEST_TIMEOUT_MS = 90_000;
const SIMULATED = ["--simulate", "2"];
const KIBIBYTE = 1_024;

describe("a start that cannot be", { timeout: TEST_TIMEOUT_MS }, () => {
  test("says that the port is in use, and which", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const home = newHome();
    const { code, stderr } = await (await start(home, [...SIMULATED, "--port", String(port)])).ended;
    expect({ code, stderr }).toEqual({
      code: exitCodes.portInUse,
      stderr: `Port ${port} at 127.0.0.1 is in use by another program: end it, or choose another with --port.\n`,
    });
    await untilNothingRunsFor(home);
  });

  test("says that the state directory is in use, and by whom", async () => {
    const home = newHome();
    const first = await start(home, SIMULATED);
    await first.ready();
    const { code, stderr } = await (await start(home, SIMULATED)).ended;
    expect(code).toBe(exitCodes.homeInUse);
    expect(stderr).toBe(
      `${home} is in use: another Odysseus (process ${first.child.pid}) is using it; stop that one first, or name another directory with --home.\n`,
    );
    expect(first.child.exitCode).toBeNull();
  });

  test("says that a file of the state directory is damaged, and which", async () => {
    const home = newHome();
    const first = await start(home, SIMULATED);
    await first.ready();
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(exitCodes.ok);
    writeFileSync(join(home, "tenants", "default.db"), "this was a database once\n".repeat(1_000));
    const { code, stderr } = await (await start(home, SIMULATED)).ended;
    expect(code).toBe(exitCodes.databaseDamaged);
    expect(stderr).toMatch(/^Cannot open .*default\.db: the file is damaged.*restore it from a backup\.\n$/);
    await untilNothingRunsFor(home);
  });

  test("says that the master keys of what is sealed are gone, and what to restore", async () => {
    const home = newHome();
    const first = await start(home, SIMULATED);
    await first.ready();
    first.child.kill("SIGTERM");
    expect((await first.ended).code).toBe(exitCodes.ok);
    rmSync(join(home, "master-keys.json"));
    const { code, stderr } = await (await start(home, SIMULATED)).ended;
    expect(code).toBe(exitCodes.databaseDamaged);
    expect(stderr).toMatch(/^The sealed values of [a-z]+ need the master key master-\d+, which is not in the file.*restore that file\.\n$/);
    await untilNothingRunsFor(home);
  });

  test("says that no engine listens where DOCKER_HOST points", async () => {
    const { code, stderr } = await (await start(newHome(), [])).ended;
    expect(code).toBe(exitCodes.engineMissing);
    expect(stderr).toBe(
      "DOCKER_HOST names /nonexistent/docker.sock, where no engine listens: start it, or unset DOCKER_HOST to use this machine's own.\n",
    );
  });

  test("says that what answers at DOCKER_HOST is no engine", async () => {
    const home = newHome();
    const socketPath = join(home, "web.sock");
    const server = createHttpServer((_request, response) => void response.end("<html><body>It works!</body></html>"));
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    onTestFinished(() => void server.close());
    const { code, stderr } = await (await start(home, [], { dockerHost: socketPath })).ended;
    expect(code).toBe(exitCodes.engineNonsense);
    expect(stderr).toMatch(/^What answers at .*web\.sock is not a Docker engine .*It works.*DOCKER_HOST\.\n$/);
  });

  test.each(["", "/below"])("says that the state directory cannot be where a file is (FILE%s)", async (below) => {
    const file = join(newHome(), "file");
    writeFileSync(file, "");
    const { code, stderr } = await (await start(`${file}${below}`, SIMULATED)).ended;
    expect({ code, stderr }).toEqual({
      code: exitCodes.usage,
      stderr: `${file}${below} cannot be the state directory, since a file is in its place: name another directory with --home.\n`,
    });
  });

  test("names the option that was probably meant", async () => {
    const { code, stderr } = await (await start(newHome(), ["--simulat", "3"])).ended;
    expect({ code, stderr }).toEqual({ code: exitCodes.usage, stderr: "There is no option --simulat. Did you mean --simulate?\n" });
  });
});

const describeAsRoot = await requireCapability("root");

describeAsRoot("a start on a disk that cannot be written", () => {
  test(
    "says that the state directory is read-only",
    async () => {
      const home = newHome();
      const { code, stderr } = await (await start(home, SIMULATED, { mount: `mount -t tmpfs -o ro tmpfs ${home}` })).ended;
      expect(code).toBe(exitCodes.diskReadOnly);
      expect(stderr.split("\n")).toEqual([expect.stringMatching(new RegExp(`${home}.*cannot be written.*--home`)), ""]);
    },
    TEST_TIMEOUT_MS,
  );

  test.each([0, 16, 128].map((freeKib) => ({ freeKib })))(
    "says that the disk is full, with $freeKib KiB left",
    async ({ freeKib }) => {
      const home = newHome();
      const mount = `mount -t tmpfs -o size=4m,mode=700 tmpfs ${home}; head -c ${(4_096 - freeKib) * KIBIBYTE} /dev/zero > ${home}/ballast`;
      const { code, stderr } = await (await start(home, SIMULATED, { mount })).ended;
      expect({ code, stderr }).toMatchObject({ code: exitCodes.diskFull, stderr: expect.stringMatching(/full/) as string });
      expect(stderr.trim().split("\n")).toHaveLength(1);
    },
    TEST_TIMEOUT_MS,
  );
});

describeAsRoot("a disk that fills up while Odysseus runs", () => {
  test(
    "changes are refused in words and nothing breaks; with room again they are accepted",
    async () => {
      const home = newHome();
      const running = await start(home, SIMULATED, { mount: `mount -t tmpfs -o size=4m,mode=700 tmpfs ${home}` });
      const url = await running.ready();
      const inside = (command: string): string =>
        execFileSync("nsenter", ["-t", String(running.child.pid), "-m", "sh", "-c", command], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
      const { token } = JSON.parse(inside(`cat ${home}/profile.json`)) as { token: string };
      const call = async (method: string, path: string, body?: unknown): Promise<Response> =>
        fetch(`${url}/api/v1${path}`, {
          method,
          headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
      const nodes = async (): Promise<number> => ((await (await call("GET", "/nodes")).json()) as { items: unknown[] }).items.length;
      await until("the nodes have joined", async () => (await nodes()) === 2, 30_000);
      expect((await call("POST", "/deployments", { name: "before", image: "shop/web:1" })).status).toBe(200);
      inside(`cat /dev/zero > ${home}/ballast || true`);
      await until(
        "a change is refused",
        async () =>
          (await call("POST", "/deployments", { name: `wish-${performance.now().toFixed(0)}`, image: "shop/web:1" })).status >= 500,
        30_000,
      );
      const refused = await call("POST", "/deployments", { name: "during", image: "shop/web:1" });
      expect(refused.status).toBe(503);
      expect(((await refused.json()) as { detail: string }).detail).toMatch(/disk .* is full; free some space/);
      expect((await call("GET", "/deployments/before")).status).toBe(200);
      inside(`rm ${home}/ballast`);
      await until(
        "changes are accepted again",
        async () => (await call("POST", "/deployments", { name: "after", image: "shop/web:1" })).status === 200,
        30_000,
      );
      expect((await call("GET", "/deployments/during")).status).toBe(404);
      expect(running.child.exitCode).toBeNull();
    },
    TEST_TIMEOUT_MS,
  );
});

describe("a second start", { timeout: TEST_TIMEOUT_MS }, () => {
  test("ends a token that others could read, and makes a new one", async () => {
    const home = newHome();
    const first = await start(home, SIMULATED);
    await first.ready();
    const token = tokenOfProfile(home);
    first.child.kill("SIGTERM");
    await first.ended;
    chmodSync(join(home, "profile.json"), 0o644);
    const second = await start(home, SIMULATED);
    const url = await second.ready();
    expect(tokenOfProfile(home)).not.toBe(token);
    expect((await fetch(`${url}/api/v1/nodes`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    expect((await api(home, "GET", "/nodes")).status).toBe(200);
  });

  test("makes new certificates when the old authority is damaged", async () => {
    const home = newHome();
    const first = await start(home, SIMULATED);
    await first.ready();
    first.child.kill("SIGTERM");
    await first.ended;
    writeFileSync(join(home, "nats", "tls", "authority.key"), "no key");
    const second = await start(home, SIMULATED);
    await second.ready();
    const nodes = async (): Promise<readonly { readonly status: string }[]> =>
      ((await api(home, "GET", "/nodes")).body as { items: { status: string }[] }).items;
    await until("the nodes are healthy", async () => (await nodes()).every(({ status }) => status === "healthy"), 30_000);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("after %s goes on with nothing lost", async (signal) => {
    const home = newHome();
    const first = await start(home, SIMULATED);
    await first.ready();
    await until(
      "a node has joined",
      async () => ((await api(home, "GET", "/nodes")).body as { items: unknown[] }).items.length === 2,
      30_000,
    );
    expect((await api(home, "POST", "/deployments", { name: "web", image: "shop/web:1", replicas: 2 })).status).toBe(200);
    const token = tokenOfProfile(home);
    first.child.kill(signal);
    await first.ended;
    await untilNothingRunsFor(home);
    const second = await start(home, SIMULATED);
    await second.ready();
    expect(tokenOfProfile(home), "who keeps the token in ODYSSEUS_TOKEN goes on with it").toBe(token);
    const healthy = async (): Promise<boolean> =>
      ((await api(home, "GET", "/deployments/web")).body as DeploymentView).healthyReplicas === 2;
    await until("it is as it was", healthy, 30_000);
    const { items } = (await api(home, "GET", "/deployments/web/history")).body as { items: ChangeView[] };
    expect(items.map(({ change }) => change)).toEqual(["create"]);
    second.child.kill("SIGINT");
    expect((await second.ended).code).toBe(exitCodes.ok);
  });
});
