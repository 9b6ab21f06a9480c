import type { NodeAllowance } from "../actors/node/allowance-contract.ts";
import type { Placement } from "../actors/node/assignment-contract.ts";
import type { PlacementEvent, PlacementRecord } from "./agent-state.ts";
import type { ContainerTable } from "./container-table.ts";
import type { AttemptContext } from "./desired-container.ts";
import type { Engine } from "./engine/port.ts";
import { Gate } from "./gate.ts";
import type { Images } from "./images.ts";
import type { PlacementFiles } from "./placement-files.ts";
import type { RealPath } from "./real-path.ts";

/** What runs at once on one node, whatever is asked; the rest waits in order. */
export const MAX_CONCURRENT_STARTS = 8;
/** Most of a stop is waiting for the process. */
export const MAX_CONCURRENT_STOPS = 64;
export const MAX_CONCURRENT_CLEANUPS = 4;

export interface Gates {
  readonly starts: Gate;
  readonly stops: Gate;
  readonly cleanups: Gate;
}

export function newGates(): Gates {
  return { starts: new Gate(MAX_CONCURRENT_STARTS), stops: new Gate(MAX_CONCURRENT_STOPS), cleanups: new Gate(MAX_CONCURRENT_CLEANUPS) };
}

/** What a step needs to be carried out. */
export interface StepContext {
  readonly engine: Engine;
  readonly table: ContainerTable;
  readonly images: Images;
  readonly gates: Gates;
  readonly record: PlacementRecord;
  readonly placement: Placement | undefined;
  /** What containers may have of this node. */
  readonly allows: NodeAllowance;
  readonly realPath: RealPath;
  readonly files: PlacementFiles;
  readonly attempt: AttemptContext;
  readonly clock: { nowMs(): number; monotonicMs(): number };
  /** Uniform in [0, 1). */
  readonly chance: () => number;
  readonly apply: (event: PlacementEvent) => void;
  /** Ports of the node that other placements are reached at. */
  readonly takenPorts: () => ReadonlySet<number>;
  /** Pull progress, which is only told now and then. */
  readonly progress: (doneBytes: number, totalBytes: number) => void;
  readonly forget: () => void;
  /** Aborted when the placement is wanted differently: a pull is not waited for any longer. */
  readonly signal: AbortSignal;
}
