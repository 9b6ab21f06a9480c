import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { type Ask, type LoadFailure, LoadPlan, type LoadResult } from "./plan.ts";

/** The process that sends a load: its plan is its argument; told to end by a message, it finishes what is under way and answers with the result. */
const plan = LoadPlan.parse(JSON.parse(process.argv[2] ?? ""));
const failures: LoadFailure[] = [];
const latenciesMs: number[] = [];
let requests = 0;
const ending = new AbortController();
const beganMs = performance.now();

process.once("message", () => ending.abort());
/** Whoever started it is gone. */
process.once("disconnect", () => process.exit(0));
const lanes = plan.lanes.map((lane, index) => drive(lane, index));
process.send?.({ kind: "started" });
await Promise.all(lanes);
process.send?.({ kind: "result", result: result() }, () => process.disconnect());

async function drive({ keepAlive, asks }: LoadPlan["lanes"][number], index: number): Promise<void> {
  const agent = keepAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
  for (let turn = 0; !ending.signal.aborted; turn += 1) {
    const ask = asks[(index + turn) % asks.length];
    const target = plan.targets[(keepAlive ? index : index + turn) % plan.targets.length];
    if (ask !== undefined && target !== undefined) await once(ask, new URL(ask.path, target), agent);
    if (plan.pauseMs > 0) await delay(plan.pauseMs);
  }
  agent?.destroy();
}

function once(ask: Ask, url: URL, agent: Agent | undefined): Promise<void> {
  const sentMs = performance.now();
  requests += 1;
  return new Promise((resolve) => {
    let isSettled = false;
    const settle = (kind: string | undefined): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      const afterMs = performance.now() - sentMs;
      if (kind === undefined) latenciesMs.push(afterMs);
      else failures.push({ atMs: Date.now(), method: ask.method, url: url.href, keepAlive: agent !== undefined, kind, afterMs });
      resolve();
    };
    const headers = {
      ...(plan.host === undefined ? {} : { host: plan.host }),
      ...(ask.method === "POST" && { "content-length": ask.bodyBytes }),
    };
    const call = request(url, { method: ask.method, agent: agent ?? false, headers }, (response) => {
      response.resume();
      response.on("end", () => settle((response.statusCode ?? 0) < 400 ? undefined : String(response.statusCode)));
      response.on("error", (error) => settle(codeOf(error)));
      response.on("close", () => settle(response.complete ? undefined : "cut short"));
    });
    const timer = setTimeout(() => {
      settle("timeout");
      call.destroy();
    }, ask.timeoutMs);
    call.on("error", (error) => settle(codeOf(error)));
    call.end(ask.method === "POST" ? Buffer.alloc(ask.bodyBytes, "x") : undefined);
  });
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

function result(): LoadResult {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
  return { requests, failures, durationMs: performance.now() - beganMs, p50Ms: at(0.5), p99Ms: at(0.99) };
}
