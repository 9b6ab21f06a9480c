import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { networkProbeTransport } from "../../agent/network-probe-transport.ts";
import { MAX_PROBE_OUTPUT_LENGTH } from "../../agent/probe-transport.ts";

const HOST = "127.0.0.1";
const leave: (() => void)[] = [];

afterEach(() => {
  for (const undo of leave.splice(0)) undo();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function web(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  leave.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return listening(server);
}

async function unusedPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listening(server);
  server.close();
  await once(server, "close");
  return port;
}

describe("an HTTP probe", () => {
  test.each([
    [200, true],
    [204, true],
    [302, true],
    [404, false],
    [500, false],
  ])("status %i is healthy: %s", async (status, healthy) => {
    const port = await web((request, response) =>
      response.writeHead(status, { location: "/elsewhere" }).end(status === 204 ? undefined : `at ${request.url}`),
    );
    expect(await networkProbeTransport.http(HOST, port, "/healthz?full=1", 2_000)).toEqual({
      healthy,
      output: status === 204 ? "HTTP 204" : `HTTP ${status}: at /healthz?full=1`,
    });
  });

  test("a long answer is cut, and an endless one does not hold it up", async () => {
    const port = await web((_, response) => {
      response.writeHead(200).write("x".repeat(10_000));
    });
    const { healthy, output } = await networkProbeTransport.http(HOST, port, "/", 2_000);
    expect(healthy).toBe(true);
    expect(output).toHaveLength(MAX_PROBE_OUTPUT_LENGTH);
  });

  test("silence is unhealthy after the time, before the answer and within it", async () => {
    const silent = await web(() => {});
    expect(await networkProbeTransport.http(HOST, silent, "/", 100)).toEqual({ healthy: false, output: "no answer within 100 ms" });
    const stuck = await web((_, response) => {
      response.writeHead(200).write("x");
    });
    expect(await networkProbeTransport.http(HOST, stuck, "/", 100)).toEqual({ healthy: false, output: "no answer within 100 ms" });
  });

  test("nobody there, no HTTP, and a path that cannot be asked for are unhealthy, and say why", async () => {
    expect(await networkProbeTransport.http(HOST, await unusedPort(), "/", 1_000)).toMatchObject({
      healthy: false,
      output: expect.stringContaining("ECONNREFUSED"),
    });
    const server = createTcpServer((socket) => socket.end("SSH-2.0\r\n"));
    leave.push(() => void server.close());
    const port = await listening(server);
    expect(await networkProbeTransport.http(HOST, port, "/", 1_000)).toMatchObject({ healthy: false });
    expect(await networkProbeTransport.http(HOST, port, "/a b\n", 1_000)).toMatchObject({
      healthy: false,
      output: expect.stringMatching(/./),
    });
  });
});

describe("a TCP probe", () => {
  test("is healthy once the connection stands", async () => {
    const port = await web(() => {});
    expect(await networkProbeTransport.tcp(HOST, port, 1_000)).toMatchObject({ healthy: true });
  });

  test("is unhealthy where nobody listens", async () => {
    expect(await networkProbeTransport.tcp(HOST, await unusedPort(), 1_000)).toMatchObject({
      healthy: false,
      output: expect.stringContaining("ECONNREFUSED"),
    });
  });
});
