import type { Decider } from "./actor.ts";
import type { Address } from "./address.ts";
import type { Journal, LoadedStream } from "./journal.ts";
import type { Version } from "./pipeline.ts";

/** The state an actor had when it was last written. A snapshot of another shape than today's is left aside: events tell the same. */
export async function loadState<State, Command, Event extends { readonly type: string }>(
  decider: Decider<State, Command, Event>,
  address: Address,
  journal: Pick<Journal, "load">,
): Promise<Version<State>> {
  const loaded = await journal.load(address);
  const isOfToday = loaded.snapshot === undefined || loaded.snapshot.schema === decider.stateSchema;
  return replay(decider, address, isOfToday ? loaded : await journal.load(address, "start"));
}

/** Pure, so that recorded histories of old releases can be replayed for ever. */
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
