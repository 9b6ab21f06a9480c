import { afterAll, beforeAll, expect, test } from "vitest";
import type { Placement } from "../../actors/node/assignment-contract.ts";
import { Testbed } from "../../ops/testbed/testbed.ts";
import { requireCapability } from "../support/capability.ts";
import { DockerNode } from "./docker-node.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

describeOnTestbed("an engine that is another node's, on a real engine", () => {
  let bed: Testbed;
  let image: Placement["template"]["image"];
  let first: DockerNode;

  beforeAll(async () => {
    bed = await Testbed.create({ name: "ownership", nodes: 1 });
    await bed.up();
    const reference = bed.registry.reference(bed.images.bb1);
    image = { reference, digest: await bed.registry.push(bed.images.bb1), source: "registry" };
    first = new DockerNode(bed, 1);
    await first.start();
    await first.assign(await first.placement(image));
    await first.untilHealthy();
  });
  afterAll(async () => {
    await first.stop();
    await bed.down();
  });

  const docker = (...args: readonly string[]): Promise<string> => bed.node(1).docker(args);
  const containers = async (label: string): Promise<readonly string[]> =>
    (await docker("ps", "-aq", "--filter", `label=${label}`)).split("\n").filter((id) => id !== "");

  async function refused(owner: { readonly tenant: string; readonly node: string }): Promise<DockerNode> {
    const other = new DockerNode(bed, 1, owner);
    await other.start();
    await other.until("it says that the engine is another's", () => other.facts?.engineRefusal !== undefined);
    await other.assign(await other.placement(image, { id: "shop.1.1" }));
    const table = { kind: "ingress-table", ...owner, epoch: 1, number: 1, ports: [], routes: [], pools: [] };
    const rest = { certificates: [], challenges: [], peers: [], trustedProxies: [] };
    expect(await other.request({ ...table, ...rest })).toMatchObject({ kind: "not-stored" });
    expect(await containers("dev.odysseus.placement=shop.1.1")).toEqual([]);
    return other;
  }

  async function works(node: DockerNode): Promise<void> {
    await node.untilHealthy(1, "shop.1.1");
    expect(node.facts?.engineRefusal).toBeUndefined();
    await node.clear();
  }

  test("another node of the same tenant is refused with its name and the way, and takes the engine over once it was let go", async () => {
    const other = await refused({ tenant: "acme", node: "n2" });
    expect(other.facts?.engineRefusal).toContain("it is node n1's, and an engine serves one node: use another engine");
    await first.stop();
    const [left] = await containers("dev.odysseus.node=n1");
    expect(other.facts?.engineRefusal).toContain("docker volume rm odysseus-node");
    await docker("volume", "rm", "odysseus-node");
    await works(other);
    expect(await containers("dev.odysseus.node=n1")).toEqual([left]);
    await docker("volume", "rm", "odysseus-node");
    await first.start();
    await first.untilHealthy();
  });

  test("another tenant's node is refused without a word about whose it is, also while only a container is left", async () => {
    const other = await refused({ tenant: "rival", node: "n1" });
    expect(other.facts?.engineRefusal).toContain("it is another tenant's, and an engine serves one tenant");
    expect(other.facts?.engineRefusal).not.toContain("acme");
    await first.stop();
    await docker("volume", "rm", "odysseus-node");
    await other.stop();
    await other.start();
    await other.until("it is refused still", () => other.facts?.engineRefusal !== undefined);
    await docker("rm", "-f", ...(await containers("dev.odysseus.tenant=acme")));
    await works(other);
  });
});
