import { setTimeout as delay } from "node:timers/promises";
import { appImage } from "../../ops/testbed/app-image.ts";
import { IngressBed } from "../agent/ingress/ingress-bed.ts";
import { poolOf, type TrafficInput } from "../agent/ingress/tables.ts";
import { lanesOf, Load } from "../support/load/load.ts";

const RUN_MS = 8_000;
const LANES = 16;
const ROUNDS = 10;
const POOL = "web/8080/tcp";
const STRAIGHT_PORT = 18_080;

/** One node's proxy: from a table to what it serves, what it costs in memory, and requests through it beside requests straight to the same replica. */
const ingress = await IngressBed.start("bench-ingress", 2);
try {
  await ingress.bed.registry.push(appImage("1"));
  const [one, two] = await Promise.all([ingress.replica(1, 0, "web.1.1"), ingress.replica(1, 1, "web.2.1")]);
  const table = (members: readonly (typeof one.http)[], ports: readonly number[] = [8080]): TrafficInput => ({
    ports: ports.map((port) => ({ port, protocol: "tcp", pool: POOL })),
    pools: [poolOf(POOL, members)],
  });
  const took = async (change: TrafficInput): Promise<number> => {
    const began = performance.now();
    await ingress.serve(1, change);
    return performance.now() - began;
  };
  console.log(`first table, with the image made and the proxy started: ${(await took(table([one.http]))).toFixed(0)} ms`);
  const members: number[] = [];
  const opened: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    members.push(await took(table(round % 2 === 0 ? [one.http, two.http] : [one.http])));
    opened.push(await took(table([one.http], round % 2 === 0 ? [8080, 8081] : [8080])));
  }
  console.log(`members changed until served and told: ${shown(members)}`);
  console.log(`a port more or less until it leads there and is told: ${shown(opened)}`);

  const straight = ["run", "-d", "--name", "straight", "-p", `${STRAIGHT_PORT}:8080`, ingress.bed.registry.reference(appImage("1"))];
  await ingress.bed.node(1).docker(straight);
  await ingress.serve(1, table([one.http]));
  console.log(`memory of the proxy, idle: ${await memory()}`);
  const { address } = ingress.bed.node(1);
  for (const keepAlive of [true, false]) {
    const [direct, through] = [
      await load(`http://${address}:${STRAIGHT_PORT}`, keepAlive),
      await load(`http://${address}:8080`, keepAlive),
    ];
    const share = (100 * through.perSecond) / direct.perSecond;
    const connections = keepAlive ? "connections kept" : "a connection each";
    console.log(
      `${connections}: straight ${direct.perSecond.toFixed(0)}/s p99 ${direct.p99Ms.toFixed(1)} ms, through ingress ${through.perSecond.toFixed(0)}/s p99 ${through.p99Ms.toFixed(1)} ms (${share.toFixed(0)} %), ${through.failures} failed`,
    );
  }
  console.log(`memory of the proxy, after the load: ${await memory()}`);
} finally {
  await ingress.stop();
}

async function memory(): Promise<string> {
  const node = ingress.bed.node(1);
  const proxy = (await node.docker(["ps", "-q", "--filter", "label=dev.odysseus.role=proxy"])).trim();
  return (await node.docker(["stats", "--no-stream", "--format", "{{.MemUsage}}", proxy])).split("/")[0]?.trim() ?? "";
}

async function load(
  target: string,
  keepAlive: boolean,
): Promise<{ readonly perSecond: number; readonly p99Ms: number; readonly failures: number }> {
  const lanes = lanesOf(LANES, [{ method: "GET", path: "/healthz" }]).map((lane) => ({ ...lane, keepAlive }));
  const sending = await Load.start({ targets: [target], lanes });
  await delay(RUN_MS);
  const { requests, durationMs, p99Ms, failures } = await sending.stop();
  return { perSecond: (1_000 * requests) / durationMs, p99Ms, failures: failures.length };
}

function shown(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
  return `median ${at(0.5)} ms, longest ${at(1)} ms`;
}
