import type { Decider } from "./actor.ts";
import type { Address } from "./address.ts";
import type { LoadedStream } from "./journal.ts";
import type { Version } from "./pipeline.ts";

/**
 * The state an actor had when it was last written. Throws when a snapshot is of another shape than today's: whoever changes the shape of a
 * state raises `stateSchema` and loads without snapshots.
 */
export function replay<State, Command, Event extends { readonly type: string }>(
  decider: Decider<State, Command, Event>,
  address: Address,
  loaded: LoadedStream,
): Version<State> {
  const { snapshot, events, version } = loaded;
  let state = snapshot === undefined ? decider.initial(address) : (snapshot.state as State);
  for (const { type, schema, data, atMs } of events) state = decider.evolve(state, decider.upcast(type, schema, data), atMs);
  return { state, version };
}
