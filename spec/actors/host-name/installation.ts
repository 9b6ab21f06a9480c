import { HOST_NAMES, type HostNamesCommand, type HostsSettled, type TakenHosts } from "../../../actors/host-name/commands.ts";
import { decide, nextSettlingMs } from "../../../actors/host-name/decide.ts";
import { evolve, noHostNames, type HostNamesEvent, type HostNamesState } from "../../../actors/host-name/state.ts";
import type { Outgoing } from "../../../runtime/actor.ts";
import { partsOf } from "../../../runtime/address.ts";
import { isRefusal } from "../../../runtime/refusal.ts";

/** The owner of host names on a stage: several tenants' ingresses talk to it by messages that can be held up. */
export class Installation {
  state: HostNamesState = noHostNames;
  nowMs = 1_000_000;
  /** Messages stay where they are, in both directions, until `deliver`. */
  isHeldUp = false;
  /** Called after each message that arrived. */
  watch: () => void = () => undefined;
  readonly #ingresses = new Map<string, (answer: HostsSettled) => void>();
  #underWay: readonly Outgoing[] = [];

  join(tenant: string, hear: (answer: HostsSettled) => void): void {
    this.#ingresses.set(tenant, hear);
  }

  /** What a decision of a tenant's ingress sends; answered in turn. */
  send(message: Outgoing): void {
    this.#underWay = [...this.#underWay, message];
    if (!this.isHeldUp) this.deliver();
  }

  deliver(): void {
    for (let next = this.#underWay[0]; next !== undefined; next = this.#underWay[0]) {
      this.#underWay = this.#underWay.slice(1);
      if (next.to === HOST_NAMES) this.tell(next.message as HostNamesCommand);
      else this.#ingresses.get(partsOf(next.to).tenant)?.(next.message as HostsSettled);
      this.watch();
    }
  }

  reserve(tenant: string, hosts: readonly string[]): readonly string[] {
    const reply = this.tell({ kind: "reserve", tenant, hosts });
    if (isRefusal(reply)) throw new Error(reply.message);
    return (reply as TakenHosts).taken;
  }

  taken(tenant: string, hosts: readonly string[]): readonly string[] {
    return (this.tell({ kind: "look", tenant, hosts }) as TakenHosts).taken;
  }

  /** Lets time go by and what is due then happen. */
  pass(durationMs: number): void {
    const untilMs = this.nowMs + durationMs;
    for (;;) {
      const nextMs = nextSettlingMs(this.state, this.nowMs);
      if (nextMs === undefined || nextMs > untilMs) break;
      this.nowMs = nextMs;
      this.tell({ kind: "wake" });
    }
    this.nowMs = untilMs;
  }

  tell(command: HostNamesCommand): unknown {
    const decision = decide(this.state, command, {
      address: HOST_NAMES,
      nowMs: this.nowMs,
      meta: { commandId: "c", principal: { kind: "system", id: "x", role: "system" }, via: "system", correlationId: "c" },
    });
    if (decision.kind === "refuse") return decision.refusal;
    this.state = decision.events.reduce((state, event: HostNamesEvent) => evolve(state, event, this.nowMs), this.state);
    for (const message of decision.messages) this.send(message);
    return decision.reply;
  }
}
