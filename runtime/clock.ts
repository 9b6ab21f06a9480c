/** The only ways to learn the time or to be called later. Simulation brings its own. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump: use it for what people read, never for a duration. */
  nowMs(): number;
  /** Milliseconds that only grow, from an arbitrary start. */
  monotonicMs(): number;
  /** Calls once, not before `delayMs` have passed. A delay beyond 2^31-1 ms is cut into steps by the implementation. */
  after(delayMs: number, call: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The only source of chance. Seeded in simulation. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A fresh id, unguessable in production: 26 characters of Crockford base32 in lower case, sortable by time. */
  id(): string;
}
