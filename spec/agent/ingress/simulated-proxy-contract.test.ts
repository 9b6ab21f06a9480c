import { NodeUnderTest } from "../node-under-test.ts";
import { proxyContract } from "./contract.ts";
import { memberOf, tableOf } from "./tables.ts";

proxyContract(async () => {
  const node = new NodeUnderTest();
  await node.start();
  const member = memberOf("web.2.1", 0, "192.0.2.2");
  let number = 0;
  return {
    member,
    send: async (table) => {
      number += 1;
      await node.request(tableOf(number, table));
    },
    told: () => node.messages.flatMap((message) => (message.kind === "agent.ingress" ? [message.status] : [])).at(-1),
    counted: () => node.messages.flatMap((message) => (message.kind === "agent.ingress-counts" ? [message.counts] : [])).at(-1),
    until: (what, holds) => node.clock.until(what, holds, 60_000),
    hold: async () => {
      node.proxy.connect(member.placementId, 1);
      return () => node.proxy.connect(member.placementId, 0);
    },
    occupy: async (port) => {
      node.proxy.takePort(port, "tcp");
      return () => node.proxy.takePort(port, "tcp", false);
    },
    stop: () => node.stop(),
  };
});
