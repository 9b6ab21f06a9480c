import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BusFailure, type Bus } from "../../runtime/bus.ts";
import { silentLog } from "../../runtime/log.ts";
import { MemoryBroker } from "../../runtime/memory-bus.ts";
import { NatsBus } from "../../runtime/nats-bus.ts";
import { PAYLOAD_LIMIT_BYTES } from "../../runtime/payload.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { startTestNats, type TestNats } from "./support/nats.ts";

let nats: TestNats;
const open: Bus[] = [];

beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(async () => {
  await Promise.all(open.map((bus) => bus.close()));
  await nats.kill();
});

function natsBus(name: string, url = nats.url): NatsBus {
  const bus = new NatsBus({ url, inboxPrefix: `_INBOX_${name}`, name, clock: systemClock, log: silentLog });
  open.push(bus);
  return bus;
}

async function connected(bus: Bus): Promise<Bus> {
  await expect.poll(() => bus.status().kind).toBe("connected");
  return bus;
}

const kinds = {
  memory: async () => {
    const broker = new MemoryBroker(systemClock);
    return [broker.connect("left"), broker.connect("right")] as const;
  },
  nats: async () => [await connected(natsBus("left")), await connected(natsBus("right"))] as const,
};

const reasonOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "answered",
    (error: unknown) => (error instanceof BusFailure ? error.reason : error),
  );

/** For answers that come: a busy machine may take its time. */
const patient = { timeoutMs: 20_000 };

let subjects = 0;
const fresh = (): string => `ody.acme.test.t${(subjects += 1)}`;

describe.each(Object.entries(kinds))("the bus in its %s form", (_name, connect) => {
  /** A subscription made is not yet known to the broker: ask until somebody answers. */
  async function served(bus: Bus, subject: string): Promise<void> {
    await expect.poll(() => reasonOf(bus.request(subject, "are you there", patient))).not.toBe("no-responder");
  }

  test("brings a request's answer back, as a copy", async () => {
    const [left, right] = await connect();
    const subject = fresh();
    left.serve(subject, async (payload) => ({ got: payload }));
    await served(right, subject);
    const payload = { list: [1, "two", null], gone: undefined };
    expect(await right.request(subject, payload, patient)).toEqual({ got: { list: [1, "two", null] } });
    expect(await right.request(subject, undefined, patient)).toEqual({ got: null });
  });

  test("serves all subjects of a pattern and tells which it was", async () => {
    const [left, right] = await connect();
    const kind = `kind${(subjects += 1)}`;
    left.serve(`ody.*.${kind}.*`, async (_payload, subject) => subject);
    await served(right, `ody.acme.${kind}.a`);
    expect(await right.request(`ody.beta.${kind}.b`, null, patient)).toBe(`ody.beta.${kind}.b`);
    expect(await reasonOf(right.request(`ody.acme.${kind}`, null, patient))).toBe("no-responder");
  });

  test("says at once when nobody answers, and in time when somebody does not", async () => {
    const [left, right] = await connect();
    const subject = fresh();
    expect(await reasonOf(right.request(subject, null, patient))).toBe("no-responder");
    left.serve(subject, () => new Promise(() => undefined));
    await expect.poll(() => reasonOf(right.request(subject, null, { timeoutMs: 50 }))).toBe("timeout");
  });

  test("says when the handler failed", async () => {
    const [left, right] = await connect();
    const subject = fresh();
    left.serve(subject, async () => {
      throw new Error("broken");
    });
    await served(right, subject);
    expect(await reasonOf(right.request(subject, null, patient))).toBe("handler-failed");
  });

  test("refuses what is too large, both ways", async () => {
    const [left, right] = await connect();
    const subject = fresh();
    const large = "x".repeat(PAYLOAD_LIMIT_BYTES);
    left.serve(subject, async (payload) => (payload === "large" ? large : "small"));
    await served(right, subject);
    expect(await reasonOf(right.request(subject, large, patient))).toBe("too-large");
    expect(await reasonOf(right.request(subject, "large", patient))).toBe("too-large");
    expect(await right.request(subject, large.slice(100), { timeoutMs: 5_000 })).toBe("small");
  });

  test("ends a request whose caller has gone", async () => {
    const [left, right] = await connect();
    const subject = fresh();
    left.serve(subject, (payload) => (payload === "wait" ? new Promise(() => undefined) : Promise.resolve(null)));
    await served(right, subject);
    const caller = new AbortController();
    const reason = reasonOf(right.request(subject, "wait", { timeoutMs: 60_000, signal: caller.signal }));
    caller.abort();
    expect(await reason).toBe("timeout");
  });

  test("publishes to all who listen until they stop", async () => {
    const [left, right] = await connect();
    const subject = fresh();
    const heard: unknown[] = [];
    const subscription = left.subscribe(subject, (payload) => heard.push(payload));
    right.subscribe(subject, (payload) => heard.push(payload));
    await expect
      .poll(() => {
        right.publish(subject, "hello");
        return heard.length >= 2;
      })
      .toBe(true);
    subscription.stop();
    expect(heard[0]).toBe("hello");
  });

  test("refuses requests after its end, and fails those that are open", async () => {
    const [left, right] = await connect();
    const subject = fresh();
    left.serve(subject, (payload) => (payload === "wait" ? new Promise(() => undefined) : Promise.resolve(null)));
    await served(right, subject);
    const reason = reasonOf(right.request(subject, "wait", { timeoutMs: 60_000 }));
    await right.close();
    expect(await reason).toBe("closed");
    expect(await reasonOf(right.request(subject, null, patient))).toBe("closed");
    expect(right.status().kind).toBe("disconnected");
  });
});

describe("the bus over NATS, when the broker goes away", () => {
  test("fails open requests at once, says that it is disconnected, and serves again when the broker is back", async () => {
    const first = await startTestNats();
    const left = natsBus("left", first.url);
    const right = natsBus("right", first.url);
    left.serve("ody.acme.echo", async (payload) => payload);
    left.serve("ody.acme.silence", () => new Promise(() => undefined));
    await expect.poll(() => reasonOf(right.request("ody.acme.echo", 1, patient))).toBe("answered");
    const pending = reasonOf(right.request("ody.acme.silence", 1, { timeoutMs: 60_000 }));
    await first.kill();
    expect(await pending).toBe("disconnected");
    await expect.poll(() => left.status().kind).toBe("disconnected");
    expect(await reasonOf(right.request("ody.acme.echo", 1, patient))).toBe("disconnected");
    const second = await startTestNats(first.port);
    await expect.poll(() => reasonOf(right.request("ody.acme.echo", 1, patient))).toBe("answered");
    await Promise.all([left.close(), right.close()]);
    await second.kill();
  });

  test("can be made before the broker is there", async () => {
    const placeholder = await startTestNats();
    await placeholder.kill();
    const bus = natsBus("early", placeholder.url);
    bus.serve("ody.acme.early", async () => "here");
    expect(await reasonOf(bus.request("ody.acme.early", null, patient))).toBe("disconnected");
    const server = await startTestNats(placeholder.port);
    await expect.poll(() => reasonOf(bus.request("ody.acme.early", null, patient))).toBe("answered");
    await bus.close();
    await server.kill();
  });
});
