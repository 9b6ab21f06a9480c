import type { IngressTable, ProxyState } from "../../actors/ingress/contract.ts";
import type { Clock, Random, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { repeatDelayMs } from "../back-off.ts";
import { EngineFailure } from "../engine/port.ts";
import { clientPorts, type Half, HALVES } from "./entry-points.ts";
import { plan, type ProxySituation, type ProxyStep } from "./plan.ts";
import { type FoundProxy, madeWith, type ProxyContainers, type ProxyMake } from "./proxy-containers.ts";
import { NoProxy, type ProxyImage } from "./proxy-image.ts";
import type { ProxyMemory } from "./proxy-memory.ts";
import { type FailedPort, needsProxy, publishedPorts } from "./published-ports.ts";
import type { RulesKeeper } from "./rules-keeper.ts";
import { clientConnections, nodeSockets, type NodeSocket } from "./sockets.ts";
import type { TraefikApi } from "./traefik-api.ts";

/** Between two looks while nothing is going on. */
const LOOK_MS = 5_000;
/** While a proxy starts. */
const SHORT_LOOK_MS = 100;
const RETIRING_LOOK_MS = 1_000;
const LONGEST_SILENCE_MS = 30_000;
const LONGEST_RETRY_MS = 30_000;
/** Steps without a pause in between; more is a plan that does not converge. */
const MAX_STEPS_IN_A_ROW = 10;

/** How the node's proxies stand after a look. */
type Proxies =
  /** Without a reason: none is needed. */
  { readonly kind: "none"; readonly reason: string | undefined } | { readonly kind: "starting" | "serving" | "retiring" };

export interface TenderParts {
  readonly memory: ProxyMemory;
  readonly image: ProxyImage;
  readonly containers: ProxyContainers;
  readonly rules: RulesKeeper;
  readonly apis: Readonly<Record<Half, TraefikApi>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Whether the newest routes given to a half are what its proxy serves now. */
  readonly serves: (half: Half) => Promise<boolean>;
  /** Whether the process of this half has taken any routes over. Before it does, it accepts connections and finds nothing for them. */
  readonly hasRoutes: (half: Half) => Promise<boolean>;
  /** The process of this half is about to be ended. */
  readonly ending: (half: Half) => Promise<unknown>;
  /** What is found or known has changed. */
  readonly changed: () => void;
}

/** Keeps the proxies of a node and the ways to them as they should be: whatever ended, was removed or flushed comes back. Never delays new routes. */
export class ProxyTender {
  proxy: ProxyState = { state: "idle" };
  /** Halves that a proxy runs on. */
  halves: ReadonlySet<Half> = new Set();
  /** The proxy beside the active one hands over to it, and not the other way round. */
  isRetiring = false;
  readonly #parts: TenderParts;
  #table: IngressTable | undefined;
  /** As of the last look. */
  #sockets: readonly NodeSocket[] = [];
  #running = false;
  #again = false;
  #failures = 0;
  #silentSinceMs: number | undefined;
  /** When the process began that is known to have routes. */
  #begunAtMs: number | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: TenderParts) {
    this.#parts = parts;
  }

  want(table: IngressTable): void {
    this.#table = table;
    if (needsProxy(table) && this.proxy.state === "idle") this.proxy = { state: "starting" };
    this.kick();
  }

  /** Ports of the newest table that do not answer. */
  get failedPorts(): readonly FailedPort[] {
    if (this.#table === undefined) return [];
    const { memory, rules } = this.#parts;
    const { redirects, failed } = publishedPorts(this.#table, memory.record.allocation, memory.record.active, this.#sockets);
    const reason = rules.refusal ?? "the port is being opened";
    const unled = redirects.filter((redirect) => rules.refusal !== undefined || !rules.leads(redirect));
    return [...failed, ...unled.map(({ port, protocol }) => ({ port, protocol, reason }))];
  }

  kick(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    this.#running = true;
    this.#timer?.cancel();
    let delayMs = LOOK_MS;
    try {
      while (this.#again && !this.#stopped && this.#table !== undefined) {
        this.#again = false;
        delayMs = await this.#look(this.#table);
      }
    } finally {
      this.#running = false;
    }
    if (!this.#stopped) this.#timer = this.#parts.clock.after(delayMs, () => this.kick());
  }

  /** One look, and everything that can be done at once; answers when to look again. */
  async #look(table: IngressTable): Promise<number> {
    try {
      const proxies = await this.#tendProxies(table);
      this.#sockets = await nodeSockets();
      await this.#tendRules(table, this.#sockets, proxies);
      await this.#learn(table, proxies.kind === "none" ? proxies.reason : undefined);
      if (proxies.kind === "none" && proxies.reason !== undefined) return this.#retryMs(proxies.reason);
      this.#failures = 0;
      return proxies.kind === "starting" ? SHORT_LOOK_MS : proxies.kind === "retiring" ? RETIRING_LOOK_MS : LOOK_MS;
    } catch (cause) {
      if (!(cause instanceof EngineFailure)) throw cause;
      await this.#learn(table, cause.message);
      return this.#retryMs(cause.message);
    }
  }

  #retryMs(reason: string): number {
    this.#failures += 1;
    const delayMs = repeatDelayMs(this.#failures - 1, LONGEST_RETRY_MS, this.#parts.random.next());
    this.#parts.log.warn("the proxy cannot be looked after; trying again", { reason, delayMs });
    return delayMs;
  }

  async #tendProxies(table: IngressTable): Promise<Proxies> {
    let found = await this.#found();
    let make: ProxyMake | undefined;
    try {
      make = needsProxy(table) ? await this.#make(table, found) : undefined;
    } catch (cause) {
      if (!(cause instanceof NoProxy)) throw cause;
      return { kind: "none", reason: cause.message };
    }
    if (await this.#isHung(found)) found = await this.#found();
    for (let steps = 0; steps < MAX_STEPS_IN_A_ROW; steps += 1) {
      const step = plan(await this.#situation(found, make));
      if (step === undefined) break;
      await this.#take(step, make);
      found = await this.#found();
    }
    if (make === undefined) return found.length === 0 ? { kind: "none", reason: undefined } : { kind: "retiring" };
    const { active } = this.#parts.memory.record;
    const isCurrent = found.some(({ half, made }) => half === active && made === madeWith(make));
    this.#retires(isCurrent && found.length > 1);
    if (!isCurrent || !(await this.#ready()).has(active)) return { kind: "starting" };
    return { kind: found.length > 1 ? "retiring" : "serving" };
  }

  async #tendRules(table: IngressTable, sockets: readonly NodeSocket[], proxies: Proxies): Promise<void> {
    const { memory, rules, apis } = this.#parts;
    const { active, allocation } = memory.record;
    const isLed = needsProxy(table) && proxies.kind !== "none";
    const redirects = isLed ? publishedPorts(table, allocation, active, sockets).redirects : [];
    const isStarting = isLed && !(await this.#ready()).has(active);
    // A proxy that nobody hears serves nothing: waiting for it would leave the ports of one that was killed closed for longer.
    const standing = !isLed ? "absent" : !isStarting ? "serving" : (await apis[active].shown()).kind === "refused" ? "absent" : "starting";
    await rules.keep({ redirects, peers: table.peers }, active, standing);
  }

  /** The process of this half that answers by routes; a new one that accepts connections already does not yet. */
  async #process(half: Half): Promise<{ readonly version: string; readonly sinceMs: number } | undefined> {
    const process = this.halves.has(half) ? await this.#parts.apis[half].version() : undefined;
    if (process === undefined || process.sinceMs === this.#begunAtMs) return process;
    if (!(await this.#parts.hasRoutes(half))) return undefined;
    this.#begunAtMs = process.sinceMs;
    return process;
  }

  #retires(isRetiring: boolean): void {
    if (this.isRetiring === isRetiring) return;
    this.isRetiring = isRetiring;
    this.#parts.changed();
  }

  async #found(): Promise<readonly FoundProxy[]> {
    const found = await this.#parts.containers.found();
    const halves = new Set(found.map(({ half }) => half));
    const isSame = halves.size === this.halves.size && [...halves].every((half) => this.halves.has(half));
    this.halves = halves;
    if (!isSame) this.#parts.changed();
    return found;
  }

  /** A process that is there and has answered nobody for long serves nobody either: it makes room for another. */
  async #isHung(found: readonly FoundProxy[]): Promise<boolean> {
    const { memory, apis, clock, containers, log } = this.#parts;
    const proxy = found.find(({ half, isRunning }) => isRunning && half === memory.record.active);
    const isSilent = proxy !== undefined && (await apis[proxy.half].shown()).kind === "silent";
    this.#silentSinceMs = isSilent ? (this.#silentSinceMs ?? clock.monotonicMs()) : undefined;
    if (proxy === undefined || this.#silentSinceMs === undefined || clock.monotonicMs() - this.#silentSinceMs < LONGEST_SILENCE_MS)
      return false;
    log.warn("the proxy does not answer and is replaced", { half: proxy.half, silentMs: LONGEST_SILENCE_MS });
    await containers.remove(proxy);
    this.#silentSinceMs = undefined;
    return true;
  }

  /** A proxy that runs goes on with what it was made with while nothing newer is to be had. */
  async #make(table: IngressTable, found: readonly FoundProxy[]): Promise<ProxyMake> {
    const { image, memory } = this.#parts;
    try {
      const found = await image.ensure(memory.record.image);
      if (found.name !== memory.record.image?.name) memory.keep({ image: { ...found } });
      return { image: found.name, trustedProxies: table.trustedProxies };
    } catch (cause) {
      if (found.length === 0 || memory.record.image === undefined || !(cause instanceof NoProxy)) throw cause;
      return { image: memory.record.image.name, trustedProxies: table.trustedProxies };
    }
  }

  async #situation(found: readonly FoundProxy[], make: ProxyMake | undefined): Promise<ProxySituation> {
    const { memory, rules } = this.#parts;
    const sockets = await nodeSockets();
    return {
      found,
      active: memory.record.active,
      wanted: make === undefined ? undefined : madeWith(make),
      ready: found.length > 1 ? await this.#ready() : new Set(),
      connections: { a: clientConnections(sockets, clientPorts("a")), b: clientConnections(sockets, clientPorts("b")) },
      idleForMs: { a: rules.idleForMs("a"), b: rules.idleForMs("b") },
    };
  }

  async #ready(): Promise<ReadonlySet<Half>> {
    const answers = await Promise.all(
      HALVES.map(async (half) => (this.halves.has(half) && (await this.#parts.serves(half)) ? [half] : [])),
    );
    return new Set(answers.flat());
  }

  async #take(step: ProxyStep, make: ProxyMake | undefined): Promise<void> {
    const { containers, memory, log } = this.#parts;
    switch (step.kind) {
      case "run":
        if (make === undefined) return;
        log.info("a proxy is started", { half: step.half, image: make.image });
        return containers.run(step.half, make);
      case "start":
        return containers.start(step.proxy);
      case "switch":
        log.info("published ports are led to the new proxy", { half: step.to });
        memory.keep({ active: step.to });
        return this.#parts.changed();
      case "remove":
        log.info("a proxy nobody is connected to any more is removed", { half: step.proxy.half });
        await this.#parts.ending(step.proxy.half);
        return containers.remove(step.proxy);
      default:
        return step satisfies never;
    }
  }

  /** What can be told of proxy and ports after a look; `problem`: why they cannot be looked after. */
  async #learn(table: IngressTable, problem: string | undefined): Promise<void> {
    const running = await this.#process(this.#parts.memory.record.active);
    const asked = needsProxy(table);
    if (running !== undefined) this.proxy = { state: "running", ...running };
    else if (problem !== undefined && asked) this.proxy = { state: "unavailable", reason: problem };
    else this.proxy = asked ? { state: "starting" } : { state: "idle" };
    this.#parts.changed();
  }
}
