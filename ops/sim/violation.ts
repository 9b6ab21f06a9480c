/** Something the platform promises was not so. `check` names the promise. */
export class Violation extends Error {
  readonly check: string;
  constructor(check: string, message: string) {
    super(`${check}: ${message}`);
    this.name = "Violation";
    this.check = check;
  }
}

/** Where checks report. Only the first violation counts: what follows it may be its consequence. */
export type Report = (check: string, message: string) => void;
