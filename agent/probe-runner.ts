import type { HealthCheck, PinnedTemplate } from "../actors/deployment/contract.ts";
import type { AttemptPhase } from "../actors/node/observed-contract.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { ContainerTable } from "./container-table.ts";
import { type Engine, EngineFailure } from "./engine/port.ts";
import { afterProbe, newProbeState, nextProbeDelayMs, type ProbeState } from "./probe-state.ts";
import type { ProbeAnswer, ProbeTransport } from "./probe-transport.ts";

const HTTP_PORT = 80;

type Health = Extract<AttemptPhase, { phase: "running" }>["health"];

export interface ProbeParts {
  readonly engine: Engine;
  readonly probes: ProbeTransport;
  readonly table: ContainerTable;
  readonly clock: Clock;
}

export interface ProbeTarget {
  readonly containerId: string;
  readonly template: PinnedTemplate;
  readonly check: HealthCheck;
  /** Known before, when the attempt was adopted. */
  readonly health: Health;
}

/** Probes one running attempt until told to stop. Tells the verdict when it changes, and the output when a probe that has not succeeded yet says something new. */
export class ProbeRunner {
  readonly containerId: string;
  readonly #parts: ProbeParts;
  readonly #target: ProbeTarget;
  readonly #tell: (health: Health, output: string) => void;
  readonly #beganMs: number;
  #state: ProbeState;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ProbeParts, target: ProbeTarget, tell: (health: Health, output: string) => void) {
    this.#parts = parts;
    this.#target = target;
    this.#tell = tell;
    this.containerId = target.containerId;
    this.#state = newProbeState(target.health);
    this.#beganMs = parts.clock.monotonicMs();
    void this.#probe();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #probe(): Promise<void> {
    const answer = await this.#ask();
    if (this.#stopped) return;
    if (answer !== undefined) this.#judge(answer);
    if (this.#stopped) return;
    this.#timer = this.#parts.clock.after(nextProbeDelayMs(this.#state, this.#target.check), () => void this.#probe());
  }

  #judge(answer: ProbeAnswer): void {
    const before = this.#state.health;
    const atMs = this.#parts.clock.monotonicMs() - this.#beganMs;
    this.#state = afterProbe(this.#state, { healthy: answer.healthy, atMs }, this.#target.check);
    const { health } = this.#state;
    if (health !== before) this.#tell(health, health === "healthy" ? "" : answer.output);
    else if (health === "proving" && !answer.healthy) this.#tell(health, answer.output);
  }

  /** Undefined when the engine, not the container, is the reason for having no answer. */
  async #ask(): Promise<ProbeAnswer | undefined> {
    const { check } = this.#target;
    try {
      if (check.kind === "command") return await this.#command(check.command, check.timeoutMs);
      const address = await this.#address();
      if (address === undefined) return { healthy: false, output: "the container has no address on this node" };
      const port = check.port ?? defaultPort(this.#target.template);
      const { probes } = this.#parts;
      return await (check.kind === "http"
        ? probes.http(address, port, check.path, check.timeoutMs)
        : probes.tcp(address, port, check.timeoutMs));
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
      return cause.failure.code === "engine.unavailable" ? undefined : { healthy: false, output: cause.failure.message };
    }
  }

  async #command(command: readonly string[], timeoutMs: number): Promise<ProbeAnswer> {
    const { exitCode, output } = await this.#parts.engine.exec(this.containerId, command, timeoutMs);
    return { healthy: exitCode === 0, output: exitCode === 0 ? output : `exit code ${exitCode}: ${output}` };
  }

  /** Given to the container at its start, and the same until its end. */
  async #address(): Promise<string | undefined> {
    const known = this.#parts.table.get(this.containerId)?.address;
    return known ?? (await this.#parts.table.inspect(this.containerId))?.address;
  }
}

/** The first TCP port of the template; 80 where it names none. */
function defaultPort(template: PinnedTemplate): number {
  return template.ports.find((port) => port.protocol === "tcp")?.containerPort ?? HTTP_PORT;
}
