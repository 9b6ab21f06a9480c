import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { until } from "../../../ops/testbed/command.ts";
import { Testbed } from "../../../ops/testbed/testbed.ts";
import { requireCapability } from "../../support/capability.ts";

const START_TIMEOUT_MS = 30_000;

const describeOnTestbed = await requireCapability("testbed");

describeOnTestbed("the server that tests send their requests to", () => {
  let bed: Testbed;
  let address: string;
  const who = /^[0-9a-f]{12} 1/;

  beforeAll(async () => {
    bed = await Testbed.create({ name: "app-image", nodes: 1 });
    await bed.up();
    const app = appImage("1");
    await bed.registry.push(app);
    address = bed.node(1).address;
    const ports = ["8080:8080", "9000:9000", "9001:9001/udp"].flatMap((port) => ["-p", port]);
    await bed.node(1).docker(["run", "-d", ...ports, bed.registry.reference(app)]);
    const answers = (): Promise<boolean> =>
      fetch(`http://${address}:8080/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until("the server answers", answers, START_TIMEOUT_MS);
  });

  afterAll(() => bed.down());

  test("answers over HTTP, also slowly, and counts what is posted", async () => {
    const text = async (path: string, init?: RequestInit): Promise<string> => (await fetch(`http://${address}:8080${path}`, init)).text();
    expect(await text("/")).toMatch(who);
    expect(await text("/slow?ms=50")).toMatch(who);
    expect(await text("/echo", { method: "POST", body: "x".repeat(1_000) })).toBe("1000\n");
    expect((await text("/events?count=2")).match(/^data: /gm)).toHaveLength(2);
  });

  test("answers over WebSocket, TCP and UDP", async () => {
    const websocket = new WebSocket(`ws://${address}:8080/ws`);
    await once(websocket, "open");
    websocket.send("hello");
    expect(((await once(websocket, "message")) as [MessageEvent])[0].data).toMatch(who);
    websocket.close();

    const tcp = connect(9_000, address).setEncoding("utf8");
    tcp.write("hello");
    expect((await once(tcp, "data"))[0]).toMatch(/^[0-9a-f]{12} 1 hello/);
    tcp.destroy();

    const udp = createSocket("udp4");
    udp.send("hello", 9_001, address);
    expect(String((await once(udp, "message"))[0])).toMatch(/^[0-9a-f]{12} 1 hello/);
    udp.close();
  });
});
