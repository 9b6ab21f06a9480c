import { dispatch, spawn, start, stop, type ActorSystemRef } from "nact";
import { partsOf, type Address } from "./address.ts";
import type { TurnLane, TurnScheduler } from "./turns.ts";

/** Name of the only actor of its kind; no id looks like it. */
const SINGLE = "_";
const WAKE = "wake";

/**
 * The tree of a process: tenant, kind, actor. nact keeps the names and ends children with their parent; all else is the cell's.
 * Parents get no messages, because nact copies the map of children for each.
 */
export function nactTurns(): TurnScheduler {
  const system = start();
  const parents = new Map<string, ActorSystemRef>();

  const parentOf = (path: string, parent: ActorSystemRef, name: string): ActorSystemRef => {
    const known = parents.get(path);
    if (known !== undefined) return known;
    const made = spawn(parent, () => undefined, name) as ActorSystemRef;
    parents.set(path, made);
    return made;
  };

  return {
    open(address: Address, drain: () => void): TurnLane {
      const { tenant, kind, name } = partsOf(address);
      const bucket = parentOf(`${tenant}/${kind}`, parentOf(tenant, system, tenant), kind);
      const actor = spawn(bucket, () => drain(), name === "" ? SINGLE : name);
      return { wake: () => dispatch(actor, WAKE), close: () => stop(actor) };
    },
    close: () => stop(system),
  };
}
