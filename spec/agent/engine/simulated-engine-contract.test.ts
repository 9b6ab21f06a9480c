import { SimulatedEngine } from "../../../agent/engine/simulated-engine.ts";
import { SimulatedRegistry } from "../../../agent/engine/simulated-registry.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { describeEngineContract, desired, type EngineWorld, OWNER } from "./contract.ts";

async function simulatedWorld(): Promise<EngineWorld> {
  const registry = new SimulatedRegistry();
  registry.fail("elsewhere.example/app:1", "unavailable");
  const engine = new SimulatedEngine({ clock: systemClock, random: systemRandom, registry, owner: OWNER, hostname: "n1" });
  return {
    engine,
    references: {
      server: "sim/app:1",
      crash: "sim/crash:3",
      missing: "sim/missing:1",
      otherPlatform: "sim/arm:1",
      unreachable: "elsewhere.example/app:1",
      noCommand: "sim/nocommand:1",
    },
    moveServerTag: async () => void registry.push("sim/app:1"),
    claimAs: async (owner) => engine.claimAs(owner),
    createForeign: async () => {
      const { image } = await engine.resolve("sim/app:1");
      await engine.pull(image, () => {}, new AbortController().signal);
      return engine.create(desired(image, { labels: { owner: "somebody else" } }));
    },
    killProcess: async (containerId) => engine.killProcess(containerId),
    removeBehindOurBack: async (containerId) => engine.removeBehindOurBack(containerId),
    removeImageBehindOurBack: async ({ digest }) => engine.removeImageBehindOurBack(digest),
    pauseBehindOurBack: async (containerId) => engine.pauseBehindOurBack(containerId),
    editBehindOurBack: async (containerId) => engine.editBehindOurBack(containerId, 128 * 1024 * 1024),
    crashEngine: async () => engine.crash(),
    restartEngine: async () => engine.restart("survive"),
    down: async () => {},
  };
}

describeEngineContract("the simulated engine keeps the engine's contract", simulatedWorld);
