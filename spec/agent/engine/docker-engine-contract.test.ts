import { Testbed } from "../../../ops/testbed/testbed.ts";
import { listedName } from "../../../actors/deployment/image-name-contract.ts";
import { DockerEngine } from "../../../agent/engine/docker-engine.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { requireCapability } from "../../support/capability.ts";
import { describeEngineContract, type EngineWorld, OWNER } from "./contract.ts";

const describeOnTestbed = await requireCapability("testbed");

async function dockerWorld(): Promise<EngineWorld> {
  const bed = await Testbed.create({ name: "engine-contract", nodes: 1, onEngineStop: "keep-containers" });
  await bed.up();
  const node = bed.node(1);
  const engine = new DockerEngine({ socketPath: node.dockerHost, owner: OWNER, clock: systemClock, random: systemRandom });
  const server = bed.registry.reference({ name: "odysseus-test/bb", tag: "contract" });
  await bed.registry.push(bed.images.bb1, "contract");
  return {
    engine,
    references: {
      server,
      crash: bed.registry.reference(bed.images.crash),
      missing: `${bed.registry.address}/odysseus-test/nothing:1`,
      otherPlatform: bed.registry.reference(bed.images.alien),
      unreachable: `${bed.address}:5999/odysseus-test/bb:1`,
      noCommand: server,
    },
    moveServerTag: async () => void (await bed.registry.push(bed.images.bb2, "contract")),
    claimAs: async (owner) => {
      const other = new DockerEngine({ socketPath: node.dockerHost, owner, clock: systemClock, random: systemRandom });
      const claim = await other.claim();
      other.close();
      return claim;
    },
    createForeign: async () => {
      await bed.loadImages(1, [bed.images.bb1]);
      return (await node.docker(["create", "odysseus-test/bb:1"])).trim();
    },
    killProcess: (containerId) => bed.killProcess(1, containerId),
    removeBehindOurBack: async (containerId) => void (await node.docker(["rm", "-f", containerId])),
    removeImageBehindOurBack: async (image) => void (await node.docker(["rmi", listedName(image)])),
    pauseBehindOurBack: async (containerId) => void (await node.docker(["pause", containerId])),
    editBehindOurBack: async (containerId) => void (await node.docker(["update", "--memory=128m", "--memory-swap=128m", containerId])),
    crashEngine: () => bed.killEngine(1),
    restartEngine: () => bed.startEngine(1),
    down: async () => {
      engine.close();
      await bed.down();
    },
  };
}

describeOnTestbed("Docker over its socket", () => {
  describeEngineContract("keeps the engine's contract", dockerWorld);
});
