import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { DockerEngine } from "../../../agent/engine/docker-engine.ts";
import type { EngineEvent } from "../../../agent/engine/port.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { VirtualClock } from "../../support/virtual-clock.ts";
import { collect, failureOf, OWNER, query, until } from "./contract.ts";

const PINNED = { reference: "shop/web:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" } as const;
const leave: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const undo of leave.splice(0).reverse()) await undo();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "odysseus-engine-"));
  leave.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function engineAt(socketPath: string, clock = systemClock): DockerEngine {
  const engine = new DockerEngine({ socketPath, owner: OWNER, clock, random: systemRandom });
  leave.push(() => engine.close());
  return engine;
}

/** Something that listens where the engine should. */
async function impostor(answer: RequestListener): Promise<string> {
  const socketPath = join(directory(), "docker.sock");
  const server = createServer(answer).listen(socketPath);
  await once(server, "listening");
  leave.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return socketPath;
}

describe("an engine that is not there, or is not one", () => {
  test("no socket: every call says so, and following events keeps trying until there is one", async () => {
    const path = join(directory(), "none.sock");
    const engine = engineAt(path);
    for (const call of [
      engine.list(),
      engine.info(),
      engine.start("abc"),
      engine.pull(PINNED, () => {}, AbortSignal.timeout(5_000)),
      collect(engine.logs("abc", query())),
    ]) {
      expect(await failureOf(call)).toMatchObject({
        code: "engine.unavailable",
        permanent: false,
        message: expect.stringContaining(`no socket ${path}`),
      });
    }
    const events: EngineEvent[] = [];
    const watching = engine.watch((event) => events.push(event));
    leave.push(() => watching.stop());
    await until("it was tried again", () => events.filter((event) => event.kind === "disconnected").length > 2);
    const server = createServer((_, response) => response.flushHeaders()).listen(path);
    leave.push(() => void server.close());
    leave.push(() => server.closeAllConnections());
    await until("it is there", () => events.some((event) => event.kind === "connected"));
  });

  test("a file where the socket should be", async () => {
    const path = join(directory(), "docker.sock");
    writeFileSync(path, "");
    expect(await failureOf(engineAt(path).list())).toMatchObject({ code: "engine.unavailable", message: expect.stringContaining(path) });
  });

  test.each([
    ["a page of HTML", 200, "text/html", "<!doctype html><html><body>Welcome</body></html>"],
    ["a page of HTML that is an error", 502, "text/html", "<html><h1>Bad gateway</h1></html>"],
    ["JSON of something else", 200, "application/json", '{"hello":"world"}'],
    ["nothing", 200, "application/json", ""],
  ])("it answers with %s", async (_, status, type, body) => {
    const engine = engineAt(await impostor((_request, response) => response.writeHead(status, { "content-type": type }).end(body)));
    for (const call of [engine.list(), engine.info()]) {
      expect(await failureOf(call)).toMatchObject({ code: "engine.unavailable", message: expect.stringContaining("not a Docker engine") });
    }
    await failureOf(engine.pull(PINNED, () => {}, AbortSignal.timeout(5_000)));
    await failureOf(engine.resolve("shop/web:1"));
  });

  test("it never answers: each call ends at its deadline", async () => {
    const clock = new VirtualClock();
    let asked = 0;
    const engine = engineAt(await impostor(() => void (asked += 1)), clock);
    const listing = failureOf(engine.list());
    await until("it was asked", () => asked === 1);
    await clock.advance(31_000);
    expect(await listing).toMatchObject({ code: "engine.unavailable", message: expect.stringContaining("no answer within 30 s") });
  });

  test("it ends in the middle of an answer", async () => {
    const clock = new VirtualClock();
    const socketPath = await impostor((_, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write("[{");
      setImmediate(() => response.destroy());
    });
    const listing = failureOf(engineAt(socketPath, clock).list());
    const ticking = setInterval(() => void clock.advance(5_000), 50);
    leave.push(() => clearInterval(ticking));
    expect(await listing).toMatchObject({ code: "engine.unavailable" });
  });

  test("a pull whose stream carries an error, is cut, or is no stream of an engine, has failed", async () => {
    const pulling = async (lines: string, ending: "ended" | "cut") => {
      const socketPath = await impostor((request, response) => {
        if (request.url?.startsWith("/images/create") !== true)
          return response.writeHead(404).end('{"message":"No such image: shop/web:1"}');
        response.writeHead(200).write(lines);
        setTimeout(() => (ending === "ended" ? response.end() : response.destroy()), 20);
      });
      return failureOf(engineAt(socketPath).pull(PINNED, () => {}, AbortSignal.timeout(5_000)));
    };
    expect(
      await pulling('{"status":"Pulling"}\n{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}\n', "ended"),
    ).toMatchObject({ code: "image.not-found" });
    expect(await pulling('{"status":"Pulling"}\n', "cut")).toMatchObject({ code: "engine.unavailable" });
    expect(await pulling('{"status":"Pulling"}\n', "ended")).toMatchObject({
      code: "engine.unavailable",
      message: expect.stringContaining("before the image was there"),
    });
    expect(await pulling("<html>\n", "ended")).toMatchObject({
      code: "engine.unavailable",
      message: expect.stringContaining("not a Docker engine"),
    });
  });

  test("a name cannot reach another resource of the engine", async () => {
    const asked: string[] = [];
    const engine = engineAt(
      await impostor((request, response) => (asked.push(request.url ?? ""), response.writeHead(404).end('{"message":"no"}'))),
    );
    expect(await failureOf(engine.resolve("../containers/abc"))).toMatchObject({ code: "resources.rejected" });
    await failureOf(engine.resolve("web?all=1#x"));
    expect(asked.every((url) => /^\/(images|distribution)\/web%3Fall%3D1%23x\/json/.test(url))).toBe(true);
  });
});
