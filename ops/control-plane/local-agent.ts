import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../runtime/log.ts";
import { agentProcess } from "../agent/process.ts";
import type { AgentFileInput } from "../agent/settings.ts";

/** An agent that has not ended by then is killed. It has nothing to lose: what it knows is on its disk. */
const STOP_TIMEOUT_MS = 10_000;
const FIRST_RESTART_MS = 200;
const LAST_RESTART_MS = 10_000;
const HEALTHY_AFTER_MS = 60_000;

export interface LocalAgent {
  pid(): number | undefined;
  stop(): Promise<void>;
}

/** The agent of this machine's own engine, as a process beside us. It is started again when it dies, and ends with us. */
export function startLocalAgent(settings: AgentFileInput, log: Log): LocalAgent {
  mkdirSync(settings.directory, { recursive: true, mode: 0o700 });
  const file = join(settings.directory, "agent.json");
  writeFileSync(file, JSON.stringify(settings, undefined, 2), { mode: 0o600 });
  const output = createWriteStream(join(settings.directory, "agent.log"), { flags: "a", mode: 0o600 });
  const stopping = new AbortController();
  let child: ChildProcess | undefined;
  let failures = 0;
  const keepRunning = async (): Promise<void> => {
    const {
      command: [program, ...args],
      env,
    } = await agentProcess(file, join(settings.directory, "compiled"));
    while (!stopping.signal.aborted) {
      const startedMs = performance.now();
      child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...env, ODYSSEUS_AGENT_PARENT: "pipe" } });
      child.stdout?.pipe(output, { end: false });
      child.stderr?.pipe(output, { end: false });
      const code = await ended(child);
      child = undefined;
      if (stopping.signal.aborted) return;
      failures = performance.now() - startedMs > HEALTHY_AFTER_MS ? 1 : failures + 1;
      const waitMs = Math.min(LAST_RESTART_MS, FIRST_RESTART_MS * 2 ** (failures - 1));
      log.warn("the local agent ended and is started again; its containers go on meanwhile", {
        exitCode: code,
        waitMs,
        log: join(settings.directory, "agent.log"),
      });
      await delay(waitMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = keepRunning();
  return {
    pid: () => child?.pid,
    async stop() {
      stopping.abort();
      const last = child;
      last?.kill("SIGTERM");
      const kill = setTimeout(() => last?.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await running;
      clearTimeout(kill);
      output.end();
    },
  };
}

function ended(child: ChildProcess): Promise<number | undefined> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(undefined));
    child.once("exit", (code) => resolve(code ?? undefined));
  });
}
