import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { CANARY_PORT, entryPort, type Half, otherHalf, OWN_OFFSET, WEB_OFFSET } from "./entry-points.ts";
import type { HostCommands } from "./host-commands.ts";
import { type HostRules, type Redirect, rulesText } from "./host-rules.ts";
import { accepts } from "./sockets.ts";

const CHECK_TIMEOUT_MS = 300;
/** Rules that were found missing are not set again sooner: whoever removes them may do so for ever. */
const REPAIR_INTERVAL_MS = 10_000;
/** Rules that could not be set are tried again so much later: what is missing on the node may be installed meanwhile. */
const REFUSED_INTERVAL_MS = 30_000;

/** Keeps the node's kernel rules what they should be, whoever flushes them. */
export class RulesKeeper {
  /** Why the newest rules are not in force, in one sentence. */
  refusal: string | undefined;
  readonly #commands: HostCommands;
  readonly #clock: Clock;
  readonly #log: Log;
  #set: { readonly rules: HostRules; readonly key: string } | undefined;
  #applying: HostRules | undefined;
  #refused: { readonly key: string; readonly atMs: number } | undefined;
  #idleSinceMs: Partial<Record<Half, number>> = {};
  #setAtMs = Number.NEGATIVE_INFINITY;

  constructor(commands: HostCommands, clock: Clock, log: Log) {
    this.#commands = commands;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * `starting`: the proxy does not serve the newest routes yet, so ports go on to lead where they lead now; `serving`: whether they do can be tried.
   * Rejects with `EngineFailure`.
   */
  async keep(wanted: HostRules, active: Half, proxy: "serving" | "starting" | "absent"): Promise<void> {
    if (proxy === "starting" && this.#set === undefined) return;
    const rules = proxy === "starting" ? { ...wanted, redirects: this.#set?.rules.redirects ?? [] } : withCanary(wanted, active);
    const key = `${rulesText("IPv4", rules)}${rulesText("IPv6", rules)}`;
    const isNothing = this.#set === undefined && rules.redirects.length === 0 && rules.peers.length === 0;
    const isSet = this.#set?.key === key && this.refusal === undefined && !(proxy === "serving" && (await this.#isBroken(rules, active)));
    if (isNothing || isSet) return this.#followed(rules, active);
    const refused = this.#refused;
    if (refused?.key === key && this.#clock.monotonicMs() - refused.atMs < REFUSED_INTERVAL_MS) return;
    this.#applying = rules;
    try {
      this.refusal = await this.#commands.apply(rules);
    } finally {
      this.#applying = undefined;
    }
    this.#refused = this.refusal === undefined ? undefined : { key, atMs: this.#clock.monotonicMs() };
    if (this.refusal !== undefined)
      return this.#log.warn("the node's rules for ingress could not be set; trying again", { reason: this.refusal });
    this.#set = { rules, key };
    this.#setAtMs = this.#clock.monotonicMs();
    this.#followed(rules, active);
  }

  /** Whether the port leads there now, by the rules that were set last, and goes on to by those that are being set. */
  leads({ port, protocol }: Pick<Redirect, "port" | "protocol">): boolean {
    const isIn = ({ redirects }: HostRules): boolean => redirects.some((other) => other.port === port && other.protocol === protocol);
    return this.#set !== undefined && isIn(this.#set.rules) && (this.#applying === undefined || isIn(this.#applying));
  }

  /** How long no published port has led to this half. */
  idleForMs(half: Half): number | undefined {
    const sinceMs = this.#idleSinceMs[half];
    return sinceMs === undefined ? undefined : this.#clock.monotonicMs() - sinceMs;
  }

  #followed({ redirects }: HostRules, active: Half): void {
    const nowMs = this.#clock.monotonicMs();
    const idle = redirects.length === 0 ? [active, otherHalf(active)] : [otherHalf(active)];
    this.#idleSinceMs = Object.fromEntries(idle.map((half) => [half, this.#idleSinceMs[half] ?? nowMs]));
  }

  /** One port leads to the proxy's own API, so that asking it disturbs no replica; and an entry point must not answer whoever was not led there. */
  async #isBroken({ redirects }: HostRules, active: Half): Promise<boolean> {
    if (redirects.length === 0 || this.#clock.monotonicMs() - this.#setAtMs < REPAIR_INTERVAL_MS) return false;
    const [isLed, isOpen] = await Promise.all([
      accepts(CANARY_PORT, CHECK_TIMEOUT_MS),
      accepts(entryPort(active, WEB_OFFSET), CHECK_TIMEOUT_MS),
    ]);
    if (isLed && !isOpen) return false;
    this.#log.warn("the node's rules for ingress are gone and are set again");
    return true;
  }
}

function withCanary(rules: HostRules, active: Half): HostRules {
  if (rules.redirects.length === 0) return rules;
  return { ...rules, redirects: [...rules.redirects, { port: CANARY_PORT, protocol: "tcp", entryPort: entryPort(active, OWN_OFFSET) }] };
}
