import type { ActorDefinition, Decision, Outgoing } from "../../../runtime/actor.ts";
import type { Address } from "../../../runtime/address.ts";

export interface CounterState {
  readonly total: number;
  readonly wakeAtMs: number | undefined;
}
export type CounterEvent =
  | { readonly type: "counter.added"; readonly amount: number }
  | { readonly type: "counter.alarm-set"; readonly wakeAtMs: number }
  | { readonly type: "counter.woken" };
export type CounterCommand =
  | { readonly kind: "add"; readonly amount: number; readonly tell?: readonly Address[] }
  | { readonly kind: "create" }
  | { readonly kind: "wake-at"; readonly wakeAtMs: number }
  | { readonly kind: "resend"; readonly tell: readonly Address[] }
  | { readonly kind: "noop" }
  | { readonly kind: "explode" }
  | { readonly kind: "wake" };

/** What a counter's surroundings saw, for tests to look at. */
export interface CounterTrace {
  readonly committed: { readonly address: Address; readonly total: number; readonly events: number }[];
  readonly receivedAt: Map<string, number>;
}

function sends(to: readonly Address[] | undefined, amount: number): readonly Outgoing[] {
  return (to ?? []).map((address) => ({ to: address, message: { kind: "add", amount } }));
}

function decide(state: CounterState, command: CounterCommand): Decision<CounterEvent> {
  switch (command.kind) {
    case "add":
      return {
        kind: "accept",
        events: [{ type: "counter.added", amount: command.amount }],
        messages: sends(command.tell, command.amount),
        reply: { total: state.total + command.amount },
      };
    case "create":
      return state.total > 0
        ? { kind: "refuse", refusal: { kind: "refusal", code: "counter.exists", httpStatus: 409, retryable: false, message: "It exists." } }
        : { kind: "accept", events: [{ type: "counter.added", amount: 1 }], messages: [], reply: "created" };
    case "wake-at":
      return { kind: "accept", events: [{ type: "counter.alarm-set", wakeAtMs: command.wakeAtMs }], messages: [], reply: null };
    case "resend":
      return { kind: "accept", events: [], messages: sends(command.tell, 1), reply: null };
    case "noop":
      return { kind: "accept", events: [], messages: [], reply: { total: state.total } };
    case "wake":
      return { kind: "accept", events: state.wakeAtMs === undefined ? [] : [{ type: "counter.woken" }], messages: [], reply: null };
    case "explode":
      throw new Error("boom");
  }
}

/** What its edge sends the actor as a command of its own. */
interface ToItself {
  readonly kind: "to-itself";
  readonly command: CounterCommand;
}

/** An actor that counts, alone or by telling other counters; small enough to see through, with every feature of the shell. */
export function counter(kind: string, trace?: CounterTrace): ActorDefinition<CounterState, CounterCommand, CounterEvent> {
  return {
    decider: {
      kind,
      initial: () => ({ total: 0, wakeAtMs: undefined }),
      decide,
      evolve: (state, event) => {
        switch (event.type) {
          case "counter.added":
            return { ...state, total: state.total + event.amount };
          case "counter.alarm-set":
            return { ...state, wakeAtMs: event.wakeAtMs };
          case "counter.woken":
            return { total: state.total + 1_000, wakeAtMs: undefined };
        }
      },
      wakeAtMs: (state, nowMs) => (state.wakeAtMs !== undefined && state.wakeAtMs > nowMs ? state.wakeAtMs : undefined),
      wake: { kind: "wake" },
      project: (_before, after, context) => [{ change: "put", kind, id: context.address, parent: "", body: { total: after.total } }],
      eventSchema: 1,
      upcast: (_type, _schema, data) => data as CounterEvent,
      stateSchema: 1,
    },
    edge: (context) => {
      let heartbeats = 0;
      return {
        receive: (message, state) => {
          const received = message as CounterCommand | { readonly kind: "heartbeat" } | { readonly kind: "nonsense" } | ToItself;
          if (received.kind === "to-itself") {
            context.command(received.command, "to-itself");
            return { kind: "answered", reply: null };
          }
          if (received.kind === "heartbeat") {
            heartbeats += 1;
            return { kind: "answered", reply: { seen: state.total } };
          }
          if (received.kind === "nonsense") {
            return {
              kind: "refused",
              refusal: { kind: "refusal", code: "counter.nonsense", httpStatus: 400, retryable: false, message: "What?" },
            };
          }
          return { kind: "command", command: received };
        },
        committed: (state, events) => trace?.committed.push({ address: context.address, total: state.total, events: events.length }),
        soft: () => ({ heartbeats }),
      };
    },
  };
}
