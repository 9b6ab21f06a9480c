import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { MAX_PROBE_OUTPUT_LENGTH } from "../probe-transport.ts";
import type { DockerConnection } from "./docker-connection.ts";
import { translateDockerError } from "./docker-errors.ts";
import type { ExecIdentity } from "./port.ts";

/** Exit code of a command that did not end in time, as `timeout` of coreutils has it. */
export const EXEC_TIMED_OUT = 124;

const CALL_DEADLINE_MS = 10_000;
const FRAME_HEADER_BYTES = 8;
const Created = z.object({ Id: z.string() });
const Inspected = z.object({ Running: z.boolean(), ExitCode: z.int().nullish(), Pid: z.int().nullish() });

/** A timeout is an answer: code 124, and the output says whether the command could be ended. */
export async function runInContainer(
  connection: DockerConnection,
  containerId: string,
  command: readonly string[],
  timeoutMs: number,
  as: ExecIdentity = {},
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const doing = `running a command in ${containerId.slice(0, 12)}`;
  const request = {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: [...command],
    User: as.user,
    WorkingDir: as.workingDirectory,
    Privileged: as.privileged,
    Env: as.environment && Object.entries(as.environment).map(([name, value]) => `${name}=${value}`),
  };
  const call = { doing, deadlineMs: CALL_DEADLINE_MS } as const;
  const { Id } = await connection.ask({ ...call, method: "POST", path: `/containers/${containerId}/exec`, body: request }, Created);
  const abort = new AbortController();
  const timer = connection.clock.after(timeoutMs, () => abort.abort());
  const output = new Output();
  try {
    const start = {
      ...call,
      method: "POST",
      path: `/exec/${Id}/start`,
      body: { Detach: false, Tty: false },
      deadlineMs: timeoutMs + CALL_DEADLINE_MS,
    } as const;
    output.read(await connection.stream({ ...start, signal: abort.signal }));
    await output.ended;
  } catch (error) {
    if (!abort.signal.aborted) throw translateDockerError(error, { doing, socketPath: connection.socketPath });
  } finally {
    timer.cancel();
  }
  const state = await connection.ask({ ...call, method: "GET", path: `/exec/${Id}/json` }, Inspected);
  if (!abort.signal.aborted) return { exitCode: state.ExitCode ?? 0, output: output.text };
  const isEnded = !state.Running || (await killed(state.Pid ?? 0, containerId));
  const end = isEnded ? "it was ended" : "it may still be running, because it cannot be ended from here";
  return {
    exitCode: EXEC_TIMED_OUT,
    output: `${output.text}\nno end within ${timeoutMs} ms; ${end}`.trim().slice(-MAX_PROBE_OUTPUT_LENGTH),
  };
}

/** The beginning of both streams, in the order it came; what is beyond the bound is read and dropped. */
class Output {
  #text = "";
  #pending = Buffer.alloc(0);
  ended: Promise<void> = Promise.resolve();

  get text(): string {
    return this.#text.slice(0, MAX_PROBE_OUTPUT_LENGTH);
  }

  read(body: IncomingMessage): void {
    this.ended = this.#take(body);
  }

  async #take(body: IncomingMessage): Promise<void> {
    for await (const chunk of body) {
      this.#pending = Buffer.concat([this.#pending, chunk as Buffer]);
      while (this.#pending.length >= FRAME_HEADER_BYTES) {
        const end = FRAME_HEADER_BYTES + this.#pending.readUInt32BE(4);
        if (this.#pending.length < end) break;
        if (this.#text.length < MAX_PROBE_OUTPUT_LENGTH) this.#text += this.#pending.toString("utf8", FRAME_HEADER_BYTES, end);
        this.#pending = this.#pending.subarray(end);
      }
    }
  }
}

/** Engines have no call to end a command. Its process can be killed where the agent shares the engine's processes; the membership check keeps us off others. */
async function killed(pid: number, containerId: string): Promise<boolean> {
  try {
    if (pid <= 1 || !(await readFile(`/proc/${pid}/cgroup`, "utf8")).includes(containerId)) return false;
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
