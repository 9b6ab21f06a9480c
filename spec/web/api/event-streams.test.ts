import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineOperation, type OperationContext, type StreamItem } from "../../../actors/catalogue.ts";
import { deploymentRefusals } from "../../../actors/deployment/refusals.ts";
import { eventReads } from "../../../actors/event/operations.ts";
import { HEARTBEAT_INTERVAL_MS } from "../../../web/api/event-stream.ts";
import { EventReader } from "./server-sent-events.ts";
import { problemIn, startTestApi, type TestApi } from "./test-api.ts";

function streaming(open: (context: OperationContext, lastEventId: string | undefined) => AsyncIterable<StreamItem>) {
  return defineOperation({
    name: "events.numbers",
    title: "Numbers",
    description: "For tests.",
    example: "x",
    roles: ["admin"],
    errors: [],
    input: z.strictObject({}),
    output: z.unknown(),
    http: { method: "GET", path: "/numbers" },
    effect: "stream",
    open: (_input, context, lastEventId) => open(context, lastEventId),
  });
}

const follow = async (api: TestApi, path: string, headers: Record<string, string> = {}): Promise<EventReader> => {
  const response = await api.request(path, { headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  return new EventReader(response);
};
const offsets = (events: readonly { readonly id: string | undefined }[]): readonly number[] => events.map(({ id }) => Number(id));

test("events that were committed are streamed in order, and new ones follow", async () => {
  const api = await startTestApi({ operations: eventReads });
  await api.change([], 3);
  const reader = await follow(api, "/api/v1/events/stream?afterOffset=1");
  const [opened, ...old] = await reader.take(3);
  expect(opened).toMatchObject({ id: "1", event: "opened", data: { kind: "opened", afterOffset: 1 } });
  expect(offsets(old)).toEqual([2, 3]);
  await api.change([], 2);
  const [fourth, fifth] = await reader.take(2);
  expect(fourth?.data).toMatchObject({
    kind: "event",
    event: { offset: 4, kind: "deployment", name: "seed", type: "seed.changed", data: { number: 4 } },
  });
  expect(fifth?.id).toBe("5");
  await reader.close();
});

test("a reader that comes back with its last id misses none and gets none twice, however often it breaks off", async () => {
  const api = await startTestApi({ operations: eventReads });
  const received: number[] = [];
  let lastId = "0";
  for (let round = 0; round < 8; round += 1) {
    const reader = await follow(api, "/api/v1/events/stream", { "last-event-id": lastId });
    const wanted = 1 + (round % 3);
    await api.change([], wanted + 2);
    // `opened`, and then only some of what is there: the rest was on its way when the connection broke.
    for (const event of (await reader.take(1 + wanted)).slice(1)) {
      received.push(Number(event.id));
      lastId = event.id ?? lastId;
    }
    await reader.close();
  }
  expect(received).toEqual(received.map((_, index) => index + 1));
  expect(received.length).toBeGreaterThan(10);
});

test("only the events of one deployment, when asked for", async () => {
  const api = await startTestApi({ operations: eventReads });
  await api.change([], 2);
  expect(await (await api.request("/api/v1/events?deployment=seed")).json()).toMatchObject({
    items: [{ offset: 1 }, { offset: 2 }],
    asOfOffset: 2,
  });
  expect(await (await api.request("/api/v1/events?deployment=other")).json()).toEqual({ items: [], asOfOffset: 2 });
  expect((await api.request("/api/v1/events?deployment=seed&node=n1")).status).toBe(400);
});

test("without a position the list gives the newest events, oldest of them first", async () => {
  const api = await startTestApi({ operations: eventReads });
  await api.change([], 30);
  const list = async (query: string): Promise<readonly number[]> =>
    ((await (await api.request(`/api/v1/events${query}`)).json()) as { items: { offset: number }[] }).items.map(({ offset }) => offset);
  expect(await list("?limit=3")).toEqual([28, 29, 30]);
  expect(await list("?limit=3&deployment=seed")).toEqual([28, 29, 30]);
  expect(await list("?limit=3&afterOffset=4")).toEqual([5, 6, 7]);
});

test("a position that this journal does not have is refused instead of being answered with silence", async () => {
  const api = await startTestApi({ operations: eventReads });
  for (const id of ["99", "x", "-1"]) {
    const response = await api.request("/api/v1/events/stream", { headers: { "last-event-id": id } });
    expect([response.status, (await problemIn(response)).code]).toEqual([400, "events.unknown-position"]);
  }
});

test("a refusal as first item is the answer, a later one ends the stream as an event", async () => {
  const refusal = deploymentRefusals["deployment.not-found"]({ name: "web" });
  const first = await startTestApi({
    operations: [
      streaming(async function* () {
        yield { event: "refusal", data: refusal };
      }),
    ],
  });
  const answer = await first.request("/api/v1/numbers");
  expect([answer.status, (await problemIn(answer)).code]).toEqual([404, "deployment.not-found"]);
  const later = await startTestApi({
    operations: [
      streaming(async function* () {
        yield { event: "number", data: { number: 1 } };
        throw new Error("a mistake");
      }),
    ],
  });
  const events = await (await follow(later, "/api/v1/numbers")).all();
  expect(events).toMatchObject([{ event: "number" }, { event: "problem", data: { code: "internal", status: 500 } }]);
});

test("the source is asked no faster than the reader takes, and ends when the reader goes", async () => {
  let made = 0;
  let ended = false;
  const api = await startTestApi({
    operations: [
      streaming(async function* ({ signal }) {
        try {
          while (!signal.aborted) {
            made += 1;
            yield { id: String(made), event: "number", data: { number: made, padding: "x".repeat(10_000) } };
          }
        } finally {
          ended = true;
        }
      }),
    ],
  });
  const reader = await follow(api, "/api/v1/numbers");
  await reader.take(1);
  // The buffers of both ends fill up, and then it stands still.
  let before = -1;
  const standsStill = (): boolean => {
    const isStill = made === before;
    before = made;
    return isStill;
  };
  await expect.poll(standsStill, { interval: 200 }).toBe(true);
  expect(made).toBeLessThan(5_000);
  await reader.close();
  await expect.poll(() => ended).toBe(true);
});

test("a stream that goes on for long keeps nothing of what it has sent", async () => {
  const sent: WeakRef<object>[] = [];
  const api = await startTestApi({
    operations: [
      streaming(async function* ({ signal }) {
        for (let number = 0; number < 500; number += 1) {
          const data = { number };
          sent.push(new WeakRef(data));
          yield { event: "number", data };
        }
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      }),
    ],
  });
  const reader = await follow(api, "/api/v1/numbers");
  await reader.take(500);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const kept = (): number => {
    collect();
    return sent.filter((item) => item.deref() !== undefined).length;
  };
  // The last ones may still be in somebody's hands.
  await expect.poll(kept).toBeLessThan(10);
  await reader.close();
});

test("a quiet stream says that it is still there, and ends with the server", async () => {
  const api = await startTestApi({ operations: eventReads });
  const reader = await follow(api, "/api/v1/events/stream");
  await reader.take(1);
  const next = reader.next();
  const commentsLater = (): number => {
    api.clock.moveOn(HEARTBEAT_INTERVAL_MS);
    return reader.comments;
  };
  await expect.poll(commentsLater).toBeGreaterThan(1);
  await api.stop();
  await expect(next).resolves.toBeUndefined();
});
