import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCli, startCli } from "../../support/run-cli.ts";
import { StandInControlPlane, TOKEN } from "../../support/stand-in-control-plane.ts";
import { BROKEN_IMAGE } from "../../support/stand-in-replica.ts";

let plane: StandInControlPlane;
beforeEach(async () => {
  plane = new StandInControlPlane();
  await plane.listen();
});
afterEach(() => plane.close());

const deployWeb = ["deploy", "web", "--image", "nginx:1", "--replicas", "2"];

describe("deploying and waiting", () => {
  test("shows each replica's way and ends with 0 when the rollout succeeded", async () => {
    const result = await runCli([...deployWeb, "--publish", "8080:80", "--env", "K=V", "--health", "http:/healthz", "--wait"], plane.env);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toContain("web: revision 1 is rolling out, 2 replicas of nginx:1");
    expect(result.stdout).toMatch(/web slot 1 revision 1 on n1: pulling/);
    expect(result.stdout).toMatch(/web slot 2 revision 1 on n2: running, healthy/);
    expect(result.stdout).toContain("web: revision 1 is running, 2 of 2 replicas healthy");
    expect(plane.received[0]?.body).toEqual({
      name: "web",
      image: "nginx:1",
      replicas: 2,
      environment: { K: "V" },
      ports: [{ containerPort: 80, publishedPort: 8080, protocol: "tcp" }],
      health: { kind: "http", path: "/healthz" },
    });
  });

  test("says why a rollout failed, with exit code, last lines and what to do, and never calls it a success", async () => {
    const result = await runCli(["deploy", "web", "--image", BROKEN_IMAGE, "--wait"], plane.env);
    expect(result.code).toBe(50);
    expect(result.stderr).toContain("web: revision 1 failed: replica 1 exited with code 3");
    expect(result.stderr).toContain("replica 1 on n1 exited with exit code 3");
    expect(result.stderr).toContain("cannot open /etc/app.conf");
    expect(result.stderr).toContain("odysseus logs web");
  });

  test("an update that is rolled back ends with its own code", async () => {
    await runCli([...deployWeb, "--wait"], plane.env);
    const result = await runCli(["update", "web", "--image", BROKEN_IMAGE, "--wait"], plane.env);
    expect(result.code).toBe(51);
    expect(result.stderr).toContain("revision 2 failed and was rolled back");
  });

  test("with --json it is one document that says how it ended", async () => {
    const result = await runCli([...deployWeb, "--wait", "--json"], plane.env);
    expect(JSON.parse(result.stdout)).toMatchObject({
      name: "web",
      generation: 1,
      rollout: 1,
      outcome: "succeeded",
      deployment: { healthyReplicas: 2 },
    });
  });

  test("an update keeps the variables it does not mention", async () => {
    await runCli([...deployWeb, "--env", "A=1", "--env", "B=2", "--env", "C=3"], plane.env);
    await runCli(["update", "web", "--env", "B=3", "--unset-env", "A"], plane.env);
    const { stdout } = await runCli(["deployments", "--json"], plane.env);
    expect(JSON.parse(stdout)).toMatchObject({ items: [{ spec: { environment: { B: "3", C: "3" } } }] });
    expect(stdout).not.toContain('"A"');
  });

  test("the times of a health check are changed without losing the check, unless somebody changed it in between", async () => {
    await runCli([...deployWeb, "--health", "http:/healthz"], plane.env);
    await runCli(["update", "web", "--health-interval", "2s"], plane.env);
    const patch = plane.received.find((request) => request.method === "PATCH");
    expect(patch?.body).toMatchObject({ health: { kind: "http", path: "/healthz", intervalMs: 2_000, timeoutMs: 3_000 } });
    expect(patch?.headers["if-match"]).toBe('"1"');
  });

  test("deleting waits until nothing is left", async () => {
    await runCli(deployWeb, plane.env);
    expect(await runCli(["delete", "web", "--wait"], plane.env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("web: deleted"),
    });
  });
});

describe("when something is in the way", () => {
  test("a name that is taken is a conflict", async () => {
    await runCli(deployWeb, plane.env);
    const result = await runCli(deployWeb, plane.env);
    expect(result).toMatchObject({ code: 45, stderr: expect.stringContaining('A deployment "web" exists already.') });
    expect(result.stderr).not.toContain("correlation id");
    const { stderr } = await runCli([...deployWeb, "--json"], plane.env);
    expect(JSON.parse(stderr)).toMatchObject({ error: { problem: { code: "deployment.exists", correlationId: expect.any(String) } } });
  });

  test("invalid fields are listed one by one", async () => {
    const result = await runCli(["deploy", "web", "--image", "nginx:1", "--replicas", "5000"], plane.env);
    expect(result.code).toBe(44);
    expect(result.stderr).toMatch(/\/replicas: /);
  });

  test("a mistyped deployment, command or flag is answered with the nearest", async () => {
    await runCli(deployWeb, plane.env);
    expect(await runCli(["scale", "wbe", "3"], plane.env)).toMatchObject({
      code: 43,
      stderr: expect.stringContaining("Did you mean web?"),
    });
    expect(await runCli(["sclae", "web", "3"], plane.env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean scale?"),
    });
    expect(await runCli(["scale", "web", "3", "--wiat"], plane.env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Did you mean --wait?"),
    });
  });

  test("somebody else's change since --if-generation is not overwritten", async () => {
    await runCli(deployWeb, plane.env);
    expect(await runCli(["scale", "web", "5", "--if-generation", "7"], plane.env)).toMatchObject({ code: 45 });
  });

  test("a wrong token says so", async () => {
    expect(await runCli(["deployments"], { ...plane.env, ODYSSEUS_TOKEN: "wrong" })).toMatchObject({ code: 41 });
  });

  test("a token that was renewed while waiting is taken from the profile", async () => {
    const home = mkdtempSync(join(tmpdir(), "odysseus-renewed-"));
    const signIn = (token: string): void =>
      writeFileSync(join(home, "profile.json"), JSON.stringify({ url: plane.url, token }), { mode: 0o600 });
    signIn("of the control plane before");
    plane.instead.push((_request, response) => {
      signIn(TOKEN);
      response
        .writeHead(401, { "content-type": "application/problem+json" })
        .end(JSON.stringify({ status: 401, detail: "The token is not known." }));
    });
    expect(await runCli(["deployments", "--json"], { ODYSSEUS_HOME: home })).toMatchObject({ code: 0, stderr: "" });
    rmSync(home, { recursive: true });
  });

  test("a control plane that is not running is named, with what to do", async () => {
    const { env } = plane;
    await plane.close();
    const result = await runCli(["deployments"], env);
    expect(result).toMatchObject({ code: 40, stderr: expect.stringContaining("Start it with npm start.") });
    expect(result.stderr).toContain(`Nothing listens at ${env["ODYSSEUS_URL"]}`);
    await plane.listen();
  });

  test("with --json the failure is a document too", async () => {
    const result = await runCli(["scale", "nothing", "3", "--json"], plane.env);
    expect(JSON.parse(result.stderr)).toMatchObject({
      error: { exit: "notFound", exitCode: 43, problem: { code: "deployment.not-found" } },
    });
  });

  test("a write whose answer was lost is sent again under the same key", async () => {
    plane.instead.push((_request, response) => response.destroy());
    expect(await runCli(deployWeb, plane.env)).toMatchObject({ code: 0 });
    const [first, second] = plane.received.map((request) => request.headers["idempotency-key"]);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toBe(first);
  });
});

describe("lists", () => {
  test("an empty list says how to begin, on stderr", async () => {
    const result = await runCli(["deployments"], plane.env);
    expect(result).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("odysseus deploy web") });
  });

  test("are aligned, without colour outside a terminal, and complete as JSON", async () => {
    await runCli([...deployWeb, "--wait"], plane.env);
    const { stdout } = await runCli(["deployments"], plane.env);
    expect(stdout).toMatch(/^NAME {2}STACK {2}STATUS {3}HEALTHY {2}REVISION/);
    expect(stdout).toMatch(/\nweb {3}- {6}running {6}2\/2 {9}1 {2}nginx:1/);
    expect(stdout).not.toContain("\u001b");
    expect(JSON.parse((await runCli(["containers", "--deployment", "web", "--json"], plane.env)).stdout)).toMatchObject({
      items: [{ slot: 1 }, { slot: 2 }],
    });
    expect((await runCli(["history", "web"], plane.env)).stdout).toContain("succeeded");
  });
});

describe("following", () => {
  test("events go on after a lost connection, and Ctrl-C ends with 130", async () => {
    const cli = startCli(["events", "-f", "--json"], plane.env);
    await expect.poll(() => plane.listenerCount).toBe(1);
    plane.emit("first");
    await cli.until(({ stdout }) => stdout.includes("first"));
    plane.cutStreams();
    await expect.poll(() => plane.listenerCount).toBe(1);
    expect(plane.received.at(-1)?.headers["last-event-id"]).toBe("1");
    plane.emit("second");
    await cli.until(({ stdout }) => stdout.includes("second"));
    cli.process.kill("SIGINT");
    const result = await cli.ended;
    expect(result.code).toBe(130);
    expect(
      result.stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { type: string }).type),
    ).toEqual(["first", "second"]);
  });

  test("Ctrl-C while waiting ends with 130; the rollout goes on", async () => {
    const cli = startCli([...deployWeb, "--wait"], plane.env);
    await cli.until(({ stdout }) => stdout.includes("rolling out"));
    cli.process.kill("SIGINT");
    expect(await cli.ended).toMatchObject({ code: 130 });
  });

  test("logs come line by line with their replica, and a reader that leaves is no error", async () => {
    await runCli(deployWeb, plane.env);
    plane.logLines = Array.from({ length: 5_000 }, (_, index) => ({
      kind: "line",
      deployment: "web",
      slot: 1,
      from: "container",
      placementId: "web.1.1",
      attempt: 1,
      stream: "stdout",
      atMs: 1_000 + index,
      text: `line ${index}`,
    }));
    const all = await runCli(["logs", "web", "--since", "5m", "--tail", "5000"], plane.env);
    expect(all.stdout.split("\n")[0]).toBe("web.1 line 0");
    expect(all.stdout.trim().split("\n")).toHaveLength(5_000);
    const cut = startCli(["logs", "web"], plane.env);
    cut.process.stdout.destroy();
    expect(await cut.ended).toMatchObject({ code: 141, stderr: "" });
  });
});
