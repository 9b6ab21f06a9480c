import type { Hook } from "../actors/deployment/container-contract.ts";
import { engineFailures } from "./engine/failures.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";
import type { StepContext } from "./step-context.ts";

/** Characters of a failed command's output that are told. */
const MAX_OUTPUT_CHARS = 500;

/**
 * Commands that the container is not up without. Each has as long as a start may take; the first that fails ends the attempt. An agent that is interrupted
 * among them begins again with the first.
 */
export async function runAfterStart(
  containerId: string,
  { engine, table, placement, record, signal }: Pick<StepContext, "engine" | "table" | "placement" | "record" | "signal">,
): Promise<void> {
  if (placement === undefined || record.current.phase === "running") return;
  const { postStart = [], rollout } = placement.template;
  for (const hook of postStart) {
    const problem = await unlessAborted(signal, run(engine, containerId, hook, rollout.startDeadlineMs));
    if (table.get(containerId)?.state !== "running") return;
    if (problem !== undefined) throw engineFailures.hookFailed(hook.command.join(" "), problem);
  }
}

/** Commands before the stop signal, within the grace: answers how much of it is left. What fails is written down, and the container is stopped all the same. */
export async function runBeforeStop(
  containerId: string,
  graceMs: number,
  { engine, placement, clock, apply }: Pick<StepContext, "engine" | "placement" | "clock" | "apply">,
): Promise<number> {
  const beganMs = clock.monotonicMs();
  const leftMs = (): number => Math.max(0, graceMs - (clock.monotonicMs() - beganMs));
  for (const hook of placement?.template.preStop ?? []) {
    const problem = leftMs() === 0 ? "was not run: nothing was left of the grace" : await run(engine, containerId, hook, leftMs());
    if (problem !== undefined)
      apply({ kind: "pre-stop-failed", message: `the command ${hook.command.join(" ")} before the stop ${problem}` });
  }
  return leftMs();
}

/** How it failed; undefined: it did not. Rejects when the engine is away. */
async function run(engine: Engine, containerId: string, { command, ...as }: Hook, timeoutMs: number): Promise<string | undefined> {
  try {
    const { exitCode, output } = await engine.exec(containerId, command, timeoutMs, as);
    return exitCode === 0 ? undefined : `ended with code ${exitCode}: ${output.trim().slice(0, MAX_OUTPUT_CHARS) || "it said nothing"}`;
  } catch (cause) {
    if (!(cause instanceof EngineFailure) || cause.failure.code === "engine.unavailable") throw cause;
    return `could not be run: ${cause.failure.message}`;
  }
}

/** What is not wanted any more is not waited for. */
function unlessAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}
