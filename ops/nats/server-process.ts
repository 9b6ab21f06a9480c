import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open, readFile, stat } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { stopLeftover } from "./leftover.ts";
import type { NatsFiles } from "./config.ts";

/** 6 ms is usual; a large JetStream store takes longer. */
const READY_TIMEOUT_MS = 30_000;
const RELOAD_TIMEOUT_MS = 10_000;
/** After this the server and its guardian are killed. */
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 10;

/**
 * The guardian holds the reading end of our pipe: when we end, however that happens, its read returns and it stops the server.
 * It ends with the server's code. $0 is the program, $@ its arguments.
 */
const GUARDIAN = `exec 3<&0
"$0" "$@" </dev/null 3<&- & server=$!
( read -r _ <&3; kill -TERM $server ) & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
exit $code`;

/** One life of the server, from ready to ended. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves with the exit code and the server's last complaint. */
  readonly ended: Promise<{ readonly code: number; readonly complaint: string }>;
  /** Resolves when the server says that it has taken over the written configuration; one call at a time. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

export class NatsStartFailed extends Error {
  constructor(complaint: string) {
    super(`nats-server did not start: ${complaint}`);
    this.name = "NatsStartFailed";
  }
}

/** Starts the server on its written configuration and waits until it says that it is ready. */
export async function startServerProcess(program: string, files: NatsFiles): Promise<ServerProcess> {
  await stopLeftover(files.pid, files.config);
  const log = await openLog(files.log);
  // A group of its own: Ctrl-C in the terminal must not reach it before those who still need it have stopped.
  const guardian = spawn("sh", ["-c", GUARDIAN, program, "-c", files.config], { stdio: ["pipe", "ignore", "pipe"], detached: true });
  guardian.stdin.on("error", () => undefined);
  let stderr = "";
  guardian.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr = (stderr + chunk).slice(-2_000)));
  const ended = once(guardian, "close").then(async ([code]) => {
    guardian.stdin.destroy();
    return { code: (code as number | null) ?? 1, complaint: complaintIn(await log.newText()) || stderr.trim() };
  });
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  await waitFor("start", READY_TIMEOUT_MS, async () => hasEnded || (await log.newText()).includes("Server is ready"));
  if (hasEnded) throw await ended.then(({ code, complaint }) => new NatsStartFailed(complaint || `exit code ${code}`));
  const pid = Number(await readFile(files.pid, "utf8"));
  return {
    pid,
    ended,
    async reload() {
      const since = await openLog(files.log);
      if (!hasEnded) process.kill(pid, "SIGHUP");
      let answer: string | undefined;
      await waitFor("reload", RELOAD_TIMEOUT_MS, async () => {
        answer = /Reloaded server configuration|Failed to reload.*/.exec(await since.newText())?.[0];
        return hasEnded || answer !== undefined;
      });
      if (`${answer}`.startsWith("Failed")) throw new Error(`nats-server: ${answer}`);
    },
    stop: () => stop(guardian, ended),
  };
}

async function stop(guardian: ChildProcess, ended: Promise<unknown>): Promise<void> {
  guardian.stdin?.end();
  const timer = new AbortController();
  const isLate = delay(STOP_TIMEOUT_MS, true, { signal: timer.signal }).catch(() => false);
  if ((await Promise.race([ended.then(() => false), isLate])) && guardian.pid !== undefined) process.kill(-guardian.pid, "SIGKILL");
  timer.abort();
  await ended;
}

/** What the server has written since its start; the file is shared with earlier runs. */
async function openLog(path: string): Promise<{ newText(): Promise<string> }> {
  const start = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  return {
    async newText() {
      const file = await open(path).catch(() => undefined);
      if (file === undefined) return "";
      try {
        const { size } = await file.stat();
        const from = size < start ? 0 : start;
        const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
        return buffer.toString("utf8", 0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}

function complaintIn(log: string): string {
  const lines = log.split("\n").filter((line) => /\[(FTL|ERR)\]/.test(line));
  return lines.at(-1)?.replace(/^.*\[(?:FTL|ERR)\]\s*/, "") ?? "";
}

async function waitFor(what: string, timeoutMs: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`nats-server: no ${what} within ${timeoutMs} ms`);
    await delay(POLL_MS);
  }
}
