import { expect, test } from "vitest";
import type { Half } from "../../../agent/ingress/entry-points.ts";
import { type ProcessCounts, readCounts } from "../../../agent/ingress/pool-counts.ts";
import { ProxyCounts } from "../../../agent/ingress/proxy-counts.ts";
import { nameOf } from "../../../agent/ingress/router.ts";
import { poolOf, tableOf } from "./tables.ts";

const POOL = "web/8080/tcp";
const table = tableOf(1, { pools: [poolOf(POOL, [])] });
const service = `${nameOf(POOL)}@file`;

/** As Traefik writes it, in pieces that end anywhere. */
async function* pieces(text: string): AsyncGenerator<string> {
  for (let from = 0; from < text.length; from += 37) yield text.slice(from, from + 37);
}

const answered = (code: number, count: number, labels = 'protocol="http"', of = service) =>
  `traefik_router_requests_total{code="${code}",method="GET",${labels},router="port-8080@file",service="${of}"} ${count}`;
const took = (kind: string, value: number, le = "", protocol = "http") =>
  `traefik_router_request_duration_seconds_${kind}{code="200",method="GET",protocol="${protocol}",router="port-8080@file",service="${service}"${le}} ${value}`;

const read = (startedAtSeconds: number, ...lines: readonly string[]) =>
  readCounts(pieces([`process_start_time_seconds ${startedAtSeconds}`, ...lines, ""].join("\n")), table);

test("requests are counted by class of status code, whatever their method; a WebSocket, which the proxy gives no status code, is not", async () => {
  const counts = await read(1, answered(200, 3), answered(204, 2), answered(0, 9, 'protocol="websocket"'), answered(503, 4));
  expect(counts?.pools.get(POOL)?.answers).toEqual([0, 5, 0, 0, 4]);
});

test("durations are those of answers that end by themselves: not of WebSockets and streams of events", async () => {
  const counts = await read(
    1,
    took("bucket", 2, ',le="0.005"'),
    took("bucket", 3, ',le="10"'),
    took("bucket", 4, ',le="+Inf"'),
    took("sum", 12.5),
    took("count", 4),
    took("bucket", 9, ',le="+Inf"', "sse"),
    took("sum", 900, "", "websocket"),
  );
  expect(counts?.pools.get(POOL)).toMatchObject({ durations: [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4], durationSumSeconds: 12.5 });
});

test("what belongs to no pool of the table is not counted", async () => {
  expect((await read(1, answered(200, 3, undefined, "noop@internal")))?.pools.size).toBe(0);
});

test("what is no proxy's answer is none", async () => {
  expect(await readCounts(pieces("404 page not found\n"), table)).toBeUndefined();
});

/** Two halves of a proxy that answer what a test says. */
function halves() {
  const answers = new Map<Half, ProcessCounts | undefined>();
  const api = (half: Half) => ({ counts: async () => answers.get(half) });
  const counts = new ProxyCounts({ a: api("a"), b: api("b") });
  const requests = async (running: readonly Half[], active: Half) => {
    const { proxy, pools } = await counts.read(table, new Set(running), active);
    return [proxy, pools[0]?.answers[1]];
  };
  return { answers, counts, requests };
}

test("while one proxy hands over to another, and after it, what either has answered is counted once", async () => {
  const { answers, requests } = halves();
  answers.set("a", await read(1, answered(200, 10)));
  expect(await requests(["a"], "a")).toEqual(["up", 10]);
  answers.set("b", await read(2, answered(200, 1)));
  expect(await requests(["a", "b"], "b")).toEqual(["up", 11]);
  expect(await requests(["b"], "b")).toEqual(["up", 11]);
  answers.set("a", await read(3, answered(200, 5)));
  expect(await requests(["a", "b"], "a")).toEqual(["up", 16]);
});

test("a proxy that was started again goes on counting, and one that does not answer is down", async () => {
  const { answers, requests } = halves();
  answers.set("a", await read(1, answered(200, 10)));
  await requests(["a"], "a");
  answers.set("a", undefined);
  expect(await requests(["a"], "a")).toEqual(["down", 10]);
  answers.set("a", await read(2, answered(200, 1)));
  expect(await requests(["a"], "a")).toEqual(["up", 11]);
});

test("a pool that is gone is not told any more", async () => {
  const { answers, counts } = halves();
  answers.set("a", await read(1, answered(200, 10)));
  await counts.read(table, new Set(["a"]), "a");
  expect((await counts.read(tableOf(2), new Set(["a"]), "a")).pools).toEqual([]);
});
