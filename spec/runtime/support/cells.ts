import { addressOf } from "../../../runtime/address.ts";
import { Cell, type Behaviour, type CellControl, type CellSurroundings } from "../../../runtime/cell.ts";
import { DeadLetters } from "../../../runtime/dead-letters.ts";
import { silentLog } from "../../../runtime/log.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { SimLoop } from "../../../runtime/simulation/sim-loop.ts";
import { SimProcess } from "../../../runtime/simulation/sim-process.ts";

export const one = addressOf("acme", "plain", "one");

export interface PlainCell {
  readonly loop: SimLoop;
  readonly cell: Cell<string>;
  readonly deadLetters: DeadLetters;
  readonly handled: string[];
  readonly control: CellControl<string>;
}

/** A cell on virtual time that notes what it handles and answers it, throws at `bad`, and keeps `slow` until the end. */
export function plainCell(behaviour: Partial<Behaviour<string>> = {}, seed = 1): PlainCell {
  const loop = new SimLoop(seed);
  const { clock, random, turns } = new SimProcess(loop, "test");
  const deadLetters = new DeadLetters(clock, noMeter);
  const around: CellSurroundings = { clock, random, turns, deadLetters, meter: noMeter, log: silentLog };
  const handled: string[] = [];
  let control: CellControl<string> | undefined;
  const cell = new Cell<string>(one, around, (given) => {
    control = given;
    return {
      recover: async () => undefined,
      turn: (message, asker) => {
        if (message === "bad") throw new Error("boom");
        handled.push(message);
        if (message !== "slow") asker?.resolve(`did ${message}`);
      },
      settled: async () => undefined,
      stopped: () => undefined,
      ...behaviour,
    };
  });
  if (control === undefined) throw new Error("no control");
  return { loop, cell, deadLetters, handled, control };
}

/** The reason why an ask failed, or its answer. */
export function outcomeOf(ask: Promise<unknown>): Promise<unknown> {
  return ask.catch((error: { readonly reason?: unknown }) => error.reason);
}
