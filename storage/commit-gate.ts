/** How long a closed gate holds a group at most, so that whoever forgets to open it comes to an end. */
const HELD_AT_MOST_MS = 60_000;

const CLOSED = 0;
const HELD = 1;

/** What both threads know of a gate. */
export interface CommitHold {
  /** In shared memory: whether the gate is closed (1), and how many groups it has held. */
  readonly cells: Int32Array<SharedArrayBuffer>;
  readonly atMostMs: number;
}

/** While it is closed, what is written is not answered: a disk that is as slow as a test or a bench wants it. Open at first. */
export class CommitGate {
  readonly hold: CommitHold;

  /** `atMostMs`: each group is let through after so long. */
  constructor(atMostMs = HELD_AT_MOST_MS) {
    this.hold = { cells: new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)), atMostMs };
  }

  close(): void {
    Atomics.store(this.hold.cells, CLOSED, 1);
  }

  open(): void {
    Atomics.store(this.hold.cells, CLOSED, 0);
    Atomics.notify(this.hold.cells, CLOSED);
  }

  /** Groups that came to the gate while it was closed. */
  get held(): number {
    return Atomics.load(this.hold.cells, HELD);
  }
}

/** Blocks the thread that calls it while the gate is closed. */
export function passGate({ cells, atMostMs }: CommitHold): void {
  if (Atomics.load(cells, CLOSED) === 0) return;
  Atomics.add(cells, HELD, 1);
  Atomics.wait(cells, CLOSED, 1, atMostMs);
}
