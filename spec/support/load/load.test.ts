import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { failuresOf, lanesOf, Load } from "./load.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: (count: number) => number | "cut"): Promise<{ readonly url: string; readonly requests: () => number }> {
  let count = 0;
  const made = createServer((request, response) => {
    count += 1;
    const status = answer(count);
    if (status === "cut") request.socket.destroy();
    else request.resume().on("end", () => response.writeHead(status).end("ok"));
  });
  server = made;
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(made.address() as AddressInfo).port}`, requests: () => count };
}

const asks = [
  { method: "GET" as const, path: "/" },
  { method: "POST" as const, path: "/", bodyBytes: 100 },
];

test("a load counts every request that the server saw, and no failure where there is none", async () => {
  const { url, requests } = await serve(() => 200);
  const load = await Load.start({ targets: [url], lanes: lanesOf(4, asks), pauseMs: 1 });
  await expect.poll(requests).toBeGreaterThan(50);
  const result = await load.stop();
  expect(result.requests).toBe(requests());
  expect(failuresOf(result)).toBe("none");
});

test("refusals, connections cut under a request and answers that do not come are failures, each told with its kind", async () => {
  const { url, requests } = await serve((count) => (count % 10 === 0 ? 503 : count % 15 === 0 ? "cut" : 200));
  const load = await Load.start({ targets: [url], lanes: lanesOf(4, asks) });
  await expect.poll(requests).toBeGreaterThan(100);
  server?.closeAllConnections();
  server?.close();
  const result = await load.stop();
  const kinds = new Set(result.failures.map(({ kind }) => kind));
  expect(kinds).toContain("503");
  expect([...kinds].some((kind) => kind === "ECONNRESET" || kind === "socket hang up")).toBe(true);
  expect(failuresOf(result)).toMatch(/^\d+ of \d+: /);
});
