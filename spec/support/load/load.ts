import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { LoadPlan, type LoadPlanInput, type LoadResult } from "./plan.ts";

const MAIN = new URL("main.ts", import.meta.url);
/** The slowest request that may be under way when a load is told to end, and the process around it. */
const END_TIMEOUT_MS = 60_000;

/** Requests sent by a process of its own, so that a busy test delays none of them. */
export class Load {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves once the lanes are under way. */
  static async start(plan: LoadPlanInput): Promise<Load> {
    const argument = JSON.stringify(LoadPlan.parse(plan));
    const child = fork(MAIN, [argument], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    await once(child, "message");
    return new Load(child);
  }

  /** Lets every request that is under way end, and says how all of them went. */
  async stop(): Promise<LoadResult> {
    this.#child.send("end");
    const [message] = (await once(this.#child, "message", { signal: AbortSignal.timeout(END_TIMEOUT_MS) })) as [
      { readonly result: LoadResult },
    ];
    return message.result;
  }
}

/** As many lanes as asked for, the first half of them with connections that are kept. */
export function lanesOf(count: number, asks: LoadPlanInput["lanes"][number]["asks"]): LoadPlanInput["lanes"] {
  return Array.from({ length: count }, (_, index) => ({ keepAlive: index < count / 2, asks }));
}

/** In words for an expectation that fails: how many of how many, and the first few. */
export function failuresOf({ requests, failures }: LoadResult): string {
  if (failures.length === 0) return "none";
  const first = failures.slice(0, 5).map(({ atMs, method, url, keepAlive, kind, afterMs }) => {
    const how = keepAlive ? "kept connection" : "new connection";
    return `${new Date(atMs).toISOString()} ${method} ${url} (${how}): ${kind} after ${afterMs.toFixed(0)} ms`;
  });
  return `${failures.length} of ${requests}: ${first.join("; ")}`;
}
