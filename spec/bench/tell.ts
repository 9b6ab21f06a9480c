import { dispatch, spawn, start, stop } from "nact";
import { addressOf } from "../../runtime/address.ts";
import { Cell } from "../../runtime/cell.ts";
import { DeadLetters } from "../../runtime/dead-letters.ts";
import { silentLog } from "../../runtime/log.ts";
import { noMeter } from "../../runtime/meter.ts";
import { nactTurns } from "../../runtime/nact-turns.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";

/** Tells per second to one actor: our cell in front of nact beside nact alone, in an idle process and in one whose every loop turn has 1 ms of other work. */
const RUN_MS = 3_000;
const ROUNDS = 3;
/** Told at once, then waited for: below the bound of a mailbox. */
const BURST = 5_000;
const OTHER_WORK_MS = 1;

interface Rival {
  readonly name: string;
  tell(): void;
  handled(): number;
  stop(): Promise<void> | void;
}

function bareNact(): Rival {
  let handled = 0;
  const system = start();
  const actor = spawn(system, (state: undefined, _message: "tell") => {
    handled += 1;
    return state;
  });
  return { name: "bare nact", tell: () => dispatch(actor, "tell"), handled: () => handled, stop: () => stop(system) };
}

function ourCell(): Rival {
  let handled = 0;
  const turns = nactTurns();
  const surroundings = {
    clock: systemClock,
    random: systemRandom,
    turns,
    deadLetters: new DeadLetters(systemClock, noMeter),
    meter: noMeter,
    log: silentLog,
  };
  const cell = new Cell<"tell">(addressOf("acme", "bench", "one"), surroundings, () => ({
    recover: async () => undefined,
    turn: () => {
      handled += 1;
    },
    settled: () => undefined,
    stopped: () => undefined,
  }));
  return {
    name: "cell",
    tell: () => cell.tell("tell"),
    handled: () => handled,
    stop: async () => {
      await cell.stop();
      turns.close();
    },
  };
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

async function tellsPerSecond(rival: Rival): Promise<number> {
  const startedMs = performance.now();
  let told = 0;
  while (performance.now() - startedMs < RUN_MS) {
    for (let index = 0; index < BURST; index += 1) rival.tell();
    told += BURST;
    while (rival.handled() < told && performance.now() - startedMs < RUN_MS) await nextTurn();
  }
  const perSecond = rival.handled() / ((performance.now() - startedMs) / 1_000);
  await rival.stop();
  return perSecond;
}

/** Takes its share of every loop turn until it is stopped. */
function otherWork(): () => void {
  let isRunning = true;
  const burn = (): void => {
    const untilMs = performance.now() + OTHER_WORK_MS;
    while (performance.now() < untilMs);
    if (isRunning) setImmediate(burn);
  };
  setImmediate(burn);
  return () => {
    isRunning = false;
  };
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

async function compare(situation: string): Promise<void> {
  const rates: Record<string, number[]> = { "bare nact": [], cell: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const make of [bareNact, ourCell]) {
      const rival = make();
      rates[rival.name]?.push(await tellsPerSecond(rival));
    }
  }
  const [nact, cell] = [median(rates["bare nact"] ?? []), median(rates["cell"] ?? [])];
  console.log(
    `${situation}: bare nact ${Math.round(nact)} tell/s, cell ${Math.round(cell)} tell/s, ratio ${(cell / nact).toFixed(1)} (aim: at least 3)`,
  );
}

await compare("idle");
const stopOtherWork = otherWork();
await compare(`${OTHER_WORK_MS} ms of other work per loop turn`);
stopOtherWork();
