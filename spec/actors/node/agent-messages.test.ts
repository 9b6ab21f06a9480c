import { expect, onTestFinished, test } from "vitest";
import { nodeActor } from "../../../actors/node/actor.ts";
import { addressOf, subjectOf } from "../../../runtime/address.ts";
import { encodeEnvelope } from "../../../runtime/envelope.ts";
import type { Meta } from "../../../runtime/journal.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { hostCounters, TENANT } from "../../runtime/support/host.ts";
import { memorySealedStore } from "../../../storage/memory-sealed.ts";

const NODE = addressOf(TENANT, "node", "n1");
const limits = { timeoutMs: 5_000 };

test("an agent cannot decide for its node, whoever it says it is", async () => {
  const bus = new MemoryBroker(systemClock).connect("control-plane");
  const hosted = await hostCounters({
    bus,
    definitions: [nodeActor({ clock: systemClock, bus, epochOf: () => 1, sealedOf: () => memorySealedStore() })],
    servedKinds: ["node"],
    remoteKinds: ["agent"],
  });
  onTestFinished(() => hosted.stop());
  const meta: Meta = {
    commandId: "acme/deployment/web/1/0",
    principal: { kind: "system", id: addressOf(TENANT, "deployment", "web"), role: "system" },
    via: "system",
    correlationId: "x",
  };
  for (const kind of ["assign", "stop", "drain", "report-stopped", "declare-lost"]) {
    const message = { kind, placements: [], placementIds: [], statuses: [], reason: "" };
    expect(await bus.request(subjectOf(NODE), encodeEnvelope(message, meta), limits)).toMatchObject({
      reply: { kind: "refusal", code: "node.message-invalid" },
    });
  }
  expect(hosted.tenant.store.load(NODE).version).toBe(0);
  expect(
    await hosted.host.ask(NODE, { kind: "prefetch", image: { reference: "app:1", digest: "sha256:0", source: "node" } }, meta, limits),
  ).toEqual({
    kind: "ok",
    value: null,
  });
});
