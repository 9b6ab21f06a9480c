import { once } from "node:events";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { proxyContract } from "./contract.ts";
import { IngressBed } from "./ingress-bed.ts";
import { HeldConnection } from "./traffic.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

describeOnTestbed("Traefik keeps the proxy's contract", () => {
  proxyContract(async () => {
    const ingress = await IngressBed.start("ingress-contract", 1);
    await ingress.bed.registry.push(appImage("1"));
    const { tcp } = await ingress.replica(1, 0, "web.1.1");
    const node = ingress.bed.node(1);
    return {
      member: tcp,
      send: async (table) => void (await ingress.send(1, table)),
      told: () => ingress.told.get(1),
      counted: () => ingress.counted.get(1),
      until: (what, holds) => ingress.until(what, holds),
      hold: async (port) => {
        const connection = await HeldConnection.open(node.address, port);
        await connection.ask();
        return () => connection.close();
      },
      occupy: async (port) => {
        const program = node.spawn([process.execPath, "-e", `require("net").createServer().listen(${port}, () => console.log("up"))`]);
        await once(program.child.stdout!, "data");
        return () => program.kill("SIGKILL");
      },
      stop: () => ingress.stop(),
    };
  });
});
