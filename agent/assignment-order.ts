/** Which of two assignments is the newer: first by the owner's epoch, then by number. */
export interface AssignmentNumber {
  readonly epoch: number;
  readonly number: number;
}

/** Negative: `one` is older. */
export function compareAssignments(one: AssignmentNumber, other: AssignmentNumber): number {
  return one.epoch === other.epoch ? one.number - other.number : one.epoch - other.epoch;
}
