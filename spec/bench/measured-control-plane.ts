import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { natsProgram } from "../support/nats-program.ts";
import type { LoopDelay } from "./loop-delay.ts";

const POLL_MS = 200;
const MAIN = new URL("../../ops/control-plane/main.ts", import.meta.url).pathname;
const LOOP_DELAY = new URL("./loop-delay.ts", import.meta.url).href;

/** The real control plane with its own NATS and simulated nodes, as a process of its own that tells how long its loop is kept. */
export class MeasuredControlPlane {
  readonly #home: string;
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #token: string;

  private constructor(home: string, child: ChildProcess) {
    this.#home = home;
    this.#child = child;
    const { url, token } = JSON.parse(readFileSync(join(home, "profile.json"), "utf8")) as { url: string; token: string };
    this.#url = url;
    this.#token = token;
  }

  static async start(nodes: number): Promise<MeasuredControlPlane> {
    const home = mkdtempSync(join(tmpdir(), "odysseus-bench-"));
    const { NATS_URL: _url, ODYSSEUS_HOME: _home, ...environment } = process.env;
    const flags = ["--disable-warning=ExperimentalWarning", "--import", LOOP_DELAY];
    const child = spawn(process.execPath, [...flags, MAIN, "--home", home, "--port", "0", "--yes", "--simulate", String(nodes)], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: { ...environment, ODYSSEUS_NATS_SERVER: await natsProgram() },
    });
    let said = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (said += text));
    while (!said.includes("Odysseus is ready")) {
      if (child.exitCode !== null) throw new Error("the control plane did not start");
      await delay(POLL_MS);
    }
    return new MeasuredControlPlane(home, child);
  }

  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.status >= 300) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 400)}`);
    return JSON.parse(text) as Answer;
  }

  async loop(): Promise<LoopDelay> {
    const answer = new Promise<LoopDelay>((resolve) => this.#child.once("message", (message) => resolve(message as LoopDelay)));
    this.#child.send("how long?");
    return answer;
  }

  writtenBytes(): number {
    return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${this.#child.pid}/io`, "utf8"))?.[1] ?? 0);
  }

  async events(): Promise<number> {
    return (await this.call<{ asOfOffset: number }>("GET", "/stacks?limit=1")).asOfOffset;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGTERM");
    await ended;
    rmSync(this.#home, { recursive: true, force: true });
  }
}
