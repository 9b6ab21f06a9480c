import type { Standing } from "../deployment/standing.ts";

/** A deployment the stack has ordered something of. */
export interface MemberRecord {
  readonly deployment: string;
  /** Number of the last order. */
  readonly order: number;
  readonly wants: "content" | "gone";
  /** Key of the content it was last ordered to be. */
  readonly content: string;
  /** Its revision that is that content, once it said so. */
  readonly linked: number | undefined;
  /** The deployment will not carry out the last order. */
  readonly refused: string | undefined;
  /** As it was last heard of. */
  readonly standing: Standing | undefined;
  /** When it was first heard that the last order is being carried out. */
  readonly carriedAtMs: number | undefined;
}

/** Ascending by deployment. A list and no mapping: one of thousands changes with each event, and a list is copied a hundred times faster. */
export type MemberRecords = readonly MemberRecord[];

export function recordOf(records: MemberRecords, deployment: string): MemberRecord | undefined {
  const record = records[positionOf(records, deployment)];
  return record?.deployment === deployment ? record : undefined;
}

export function withRecord(records: MemberRecords, record: MemberRecord): MemberRecords {
  const position = positionOf(records, record.deployment);
  const isKnown = records[position]?.deployment === record.deployment;
  return records.toSpliced(position, isKnown ? 1 : 0, record);
}

/** Of the record, or where it would be. */
function positionOf(records: MemberRecords, deployment: string): number {
  let [from, to] = [0, records.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((records[middle]?.deployment ?? "") < deployment) from = middle + 1;
    else to = middle;
  }
  return from;
}
