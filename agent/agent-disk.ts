/** Where an agent keeps what must outlive it: its assignment and what it knows of each placement. Names are file names without folders. */
export interface AgentDisk {
  read(name: string): Promise<string | undefined>;
  /** Resolves once the text would survive a power cut; a reader sees the old text or the new one, never a part. Rejects with `DiskFailure`. */
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  names(): Promise<readonly string[]>;
}

export type DiskFailureReason = "disk-full" | "read-only" | "failed";

/** `message` is one sentence for a person: what, where, what to do. */
export class DiskFailure extends Error {
  readonly reason: DiskFailureReason;
  constructor(reason: DiskFailureReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "DiskFailure";
    this.reason = reason;
  }
}
