import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { alwaysConsent } from "../../../ops/tools/context.ts";
import { findEngine } from "../../../ops/tools/docker.ts";
import type { FoundEngine } from "../../../ops/tools/docker.ts";
import { probeEngine } from "../../../ops/tools/engine-probe.ts";

async function socketPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "odysseus-engine-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "docker.sock");
}

async function serveAt(listener: RequestListener): Promise<string> {
  const path = await socketPath();
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return path;
}

/** Answers the two questions as an engine of that version does. */
function engineOfVersion(version: string, components: readonly { readonly Name: string }[] = [{ Name: "Engine" }]): RequestListener {
  return (request, response) => {
    if (request.url === "/_ping") response.end("OK");
    else response.end(JSON.stringify({ Version: version, ApiVersion: "1.45", Components: components }));
  };
}

function find(dockerHost: string): Promise<FoundEngine> {
  return findEngine({
    toolsFolder: "/nonexistent",
    env: { ...process.env, DOCKER_HOST: dockerHost },
    say: () => undefined,
    consent: alwaysConsent,
  });
}

describe("the engine that DOCKER_HOST names", () => {
  test("is ready from version 24 on", async () => {
    const path = await serveAt(engineOfVersion("26.1.5+dfsg1"));
    expect(await find(`unix://${path}`)).toEqual({ kind: "ready", socketPath: path, version: "26.1.5+dfsg1" });
  });

  test("is degraded when it is older, with that reason", async () => {
    const path = await serveAt(engineOfVersion("20.10.24+dfsg1"));
    expect(await find(`unix://${path}`)).toMatchObject({ kind: "ready", degraded: "Docker Engine 20.10.24+dfsg1 is older than 24.0" });
  });

  test("is refused when something else answers there", async () => {
    const web = await serveAt((_request, response) => void response.end("<html>hello</html>"));
    const text = await serveAt((request, response) => void response.end(request.url === "/_ping" ? "OK" : "no json"));
    const podman = await serveAt(engineOfVersion("5.4.2", [{ Name: "Podman Engine" }]));
    for (const path of [web, text, podman]) {
      const found = await find(`unix://${path}`);
      expect(found).toMatchObject({ kind: "nonsense", exitCode: 23, sentence: expect.stringContaining(`${path} is not a Docker engine`) });
    }
  });

  test("is refused when what listens there does not speak HTTP", async () => {
    const path = await socketPath();
    const server = createSocketServer((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    expect(await find(`unix://${path}`)).toMatchObject({ kind: "nonsense", exitCode: 23 });
  });

  test("is refused when nothing listens there, without installing anything", async () => {
    const path = await socketPath();
    expect(await find(`unix://${path}`)).toMatchObject({ kind: "missing", exitCode: 21, sentence: expect.stringContaining(path) });
  });

  test("is refused when it is not on this machine", async () => {
    expect(await find("tcp://10.0.0.1:2375")).toMatchObject({
      kind: "missing",
      exitCode: 21,
      sentence: expect.stringContaining("tcp://10.0.0.1:2375"),
    });
  });
});

test("an engine that accepts but never answers is silent after the deadline", async () => {
  const path = await serveAt(() => undefined);
  expect(await probeEngine(path, 100)).toEqual({ kind: "silent" });
});

test("an answer without end is no engine's", async () => {
  const path = await serveAt((_request, response) => {
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(10_000)));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  expect(await probeEngine(path)).toMatchObject({ kind: "nonsense" });
});
