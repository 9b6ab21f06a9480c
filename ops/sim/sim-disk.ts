import type { AgentDisk } from "../../agent/agent-disk.ts";
import type { SimProcess } from "../../runtime/simulation/sim-process.ts";

const LONGEST_WRITE_MS = 4;

/** An agent's disk as one life of the agent uses it: writes take time, and one that its writer did not live to see may not have happened. */
export function slowDisk(process: SimProcess, disk: AgentDisk): AgentDisk {
  const pause = (): Promise<void> => new Promise((resolve) => void process.clock.after(process.random.next() * LONGEST_WRITE_MS, resolve));
  return {
    read: (name) => disk.read(name),
    names: () => disk.names(),
    write: async (name, text) => {
      await pause();
      await disk.write(name, text);
    },
    remove: async (name) => {
      await pause();
      await disk.remove(name);
    },
  };
}
