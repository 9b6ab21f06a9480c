import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { until } from "../../../ops/testbed/command.ts";
import { natsProgram } from "../../support/nats-program.ts";

const MAIN = join(import.meta.dirname, "../../../ops/control-plane/main.ts");
const NODE = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;
const READY_TIMEOUT_MS = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What `npm start` runs once the dependencies are there, as a process of its own. */
export interface Start {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the URL it says that it is ready at; rejects when it ends before. */
  ready(): Promise<string>;
}

export interface StartEnvironment {
  /** Absent: an engine that is not there, so that no test can touch this machine's own. */
  readonly dockerHost?: string;
  /** A shell line that is run first, as root in a mount namespace of its own. */
  readonly mount?: string;
}

export async function start(
  home: string,
  args: readonly string[],
  { dockerHost = "/nonexistent/docker.sock", mount }: StartEnvironment = {},
): Promise<Start> {
  const command = [...NODE, MAIN, "--home", home, "--port", "0", "--yes", ...args];
  const [program = "", ...rest] =
    mount === undefined ? command : ["unshare", "-m", "--propagation", "private", "sh", "-ec", `${mount}; exec "$@"`, "sh", ...command];
  const { NATS_URL: _url, ODYSSEUS_HOME: _home, ...environment } = process.env;
  const env = { ...environment, DOCKER_HOST: `unix://${dockerHost}`, ODYSSEUS_NATS_SERVER: await natsProgram() };
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"], env });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
  let hasEnded = false;
  void ended.then(() => (hasEnded = true));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    child,
    ended,
    async ready() {
      await until("it says that it is ready, or ends", () => hasEnded || stdout.includes("Odysseus is ready"), READY_TIMEOUT_MS);
      const url = /ready: (\S+)/.exec(stdout)?.[1];
      if (url === undefined) throw new Error(`it was never ready: ${stderr}`);
      return url;
    },
  };
}

/** A state directory that is gone after the test. */
export function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), "odysseus-start-"));
  // What is registered first is done last: every start has been killed by then.
  onTestFinished(async () => {
    await untilNothingRunsFor(home);
    rmSync(home, { recursive: true, force: true });
  });
  return home;
}

/** Processes that have something to do with this state directory. */
export function processesOf(home: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
      } catch {
        return ""; // ended meanwhile
      }
    })
    .filter((commandLine) => commandLine.includes(home));
}

/** Children that outlive a killed parent find out by themselves, and within this time. */
const ORPHANS_END_WITHIN_MS = 15_000;

export function untilNothingRunsFor(home: string): Promise<void> {
  return until(`no process of ${home} is left`, () => processesOf(home).length === 0, ORPHANS_END_WITHIN_MS);
}

export async function api(
  home: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const { url, token } = JSON.parse(readFileSync(join(home, "profile.json"), "utf8")) as { url: string; token: string };
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: response.status, body: await response.json() };
}
