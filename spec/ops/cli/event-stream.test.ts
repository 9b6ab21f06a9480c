import { array, asyncProperty, assert, constantFrom, integer, record, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { parse, type StreamEvent } from "../../../ops/cli/event-stream.ts";

async function* pieces(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function all(stream: AsyncIterable<StreamEvent>): Promise<readonly StreamEvent[]> {
  const events: StreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

describe("server-sent events", () => {
  test("carry an id, a name and JSON; comments and retry times are passed over", async () => {
    const text = 'retry: 1000\n\n: heartbeat\n\nid: 7\nevent: line\ndata: {"a":\ndata: 1}\n\ndata:plain\n\nid: 9\n\n';
    expect(await all(parse(pieces(text, [3])))).toEqual([
      { id: "7", event: "line", data: { a: 1 } },
      { id: undefined, event: "message", data: "plain" },
    ]);
  });

  test("arrive whole and in order however the network cuts them, inside a character too", async () => {
    const item = record({ id: integer({ min: 0 }), text: string({ unit: "grapheme" }) });
    await assert(
      asyncProperty(
        array(item),
        array(integer({ min: 1, max: 40 }), { minLength: 1 }),
        constantFrom("\n", "\r\n"),
        async (items, sizes, newline) => {
          const text = items
            .map(({ id, text: words }) => [`id: ${id}`, "event: line", `data: ${JSON.stringify({ text: words })}`, "", ""].join(newline))
            .join("");
          const expected = items.map(({ id, text: words }) => ({ id: String(id), event: "line", data: { text: words } }));
          expect(await all(parse(pieces(text, sizes)))).toEqual(expected);
        },
      ),
    );
  });
});
