import { type AgentDisk, DiskFailure } from "./agent-disk.ts";

/** A disk in memory for simulated nodes. It outlives the agent that uses it, and can be told to fail. */
export class MemoryDisk implements AgentDisk {
  readonly #files = new Map<string, string>();
  #state: "fine" | "full" | "crashed" = "fine";

  /** Until `free`, every write is refused; reading and removing go on. */
  fill(): void {
    this.#state = "full";
  }

  /** Until `free`, writes never come to an end, like those of a process that died. What was written before stays. */
  crash(): void {
    this.#state = "crashed";
  }

  free(): void {
    this.#state = "fine";
  }

  async read(name: string): Promise<string | undefined> {
    return this.#files.get(name);
  }

  async write(name: string, text: string): Promise<void> {
    if (this.#state === "full")
      throw new DiskFailure("disk-full", `${name}: the disk is full; free some space and the agent goes on by itself`);
    if (this.#state === "crashed") return new Promise<void>(() => undefined);
    this.#files.set(name, text);
  }

  async remove(name: string): Promise<void> {
    this.#files.delete(name);
  }

  async names(): Promise<readonly string[]> {
    return [...this.#files.keys()].toSorted();
  }
}
