import { describe, expect, test } from "vitest";
import { AskFailure, type Reply } from "../../runtime/actor.ts";
import { addressOf, type Address } from "../../runtime/address.ts";
import { runtimeRefusals } from "../../runtime/errors.ts";
import type { OutboxMessage } from "../../runtime/journal.ts";
import { silentLog } from "../../runtime/log.ts";
import { noMeter } from "../../runtime/meter.ts";
import { Outbox, OUTBOX_LIMIT } from "../../runtime/outbox.ts";
import { SimLoop } from "../../runtime/simulation/sim-loop.ts";
import { SimProcess } from "../../runtime/simulation/sim-process.ts";

const from = addressOf("acme", "sender", "s");
const to = addressOf("acme", "receiver", "r");
const MINUTE_MS = 60_000;

function message(number: number, receiver: Address = to): OutboxMessage {
  return { id: `${from}/${number}/0`, from, to: receiver, message: { number }, correlationId: "c" };
}

/** An outbox on virtual time, over a journal's outbox table that is a list. */
function outbox(answer: (message: unknown, to: Address, attempt: number) => Promise<Reply>) {
  const loop = new SimLoop(1);
  const { clock, random } = new SimProcess(loop, "test");
  const stored: OutboxMessage[] = [];
  const asked: string[] = [];
  const box = new Outbox({
    tenant: "acme",
    clock,
    random,
    meter: noMeter,
    log: silentLog,
    journal: {
      pending: async (limit) => stored.slice(0, limit),
      acknowledge: async (ids) => {
        const struck = new Set(ids);
        stored.splice(0, stored.length, ...stored.filter(({ id }) => !struck.has(id)));
      },
    },
    ask: (to, message, meta) => {
      asked.push(meta.commandId);
      return answer(message, to, asked.filter((id) => id === meta.commandId).length);
    },
  });
  const send = (...messages: readonly OutboxMessage[]): void => {
    stored.push(...messages);
    box.send(messages);
  };
  return { loop, box, stored, asked, send };
}

const ok = async (): Promise<Reply> => ({ kind: "ok", value: null });

describe("a message in the outbox", () => {
  test("leaves at once and is struck off when its receiver has answered", async () => {
    const { loop, stored, asked, send } = outbox(ok);
    send(message(1));
    expect(asked).toEqual([message(1).id]);
    await loop.run(100);
    expect(stored).toEqual([]);
  });

  test("counts as answered when its receiver refuses it, but not when its receiver's disk does", async () => {
    const { loop, stored, asked, send } = outbox(async (_message, _to, attempt) =>
      attempt < 3
        ? runtimeRefusals["storage.disk-full"]({ tenant: "acme", cause: "full" })
        : { kind: "refusal", code: "receiver.busy", httpStatus: 409, retryable: false, message: "No." },
    );
    send(message(1));
    await loop.run(MINUTE_MS);
    expect(asked).toHaveLength(3);
    expect(stored).toEqual([]);
  });

  test("is sent again, later each time, until its receiver answers; those behind it wait, those for others do not", async () => {
    const handled: unknown[] = [];
    const other = addressOf("acme", "receiver", "other");
    const { loop, stored, send } = outbox(async (message, receiver, attempt) => {
      if (receiver === to && attempt < 5) throw new AskFailure("timeout", receiver);
      handled.push([receiver, (message as { readonly number: number }).number]);
      return ok();
    });
    send(message(1), message(2), message(3, other));
    await loop.run(10);
    expect(handled).toEqual([[other, 3]]);
    await loop.run(MINUTE_MS);
    expect(handled).toEqual([
      [other, 3],
      [to, 1],
      [to, 2],
    ]);
    expect(stored).toEqual([]);
  });

  test("is found in the journal after a restart", async () => {
    const { loop, box, stored, asked } = outbox(ok);
    stored.push(message(1), message(2));
    box.recheck();
    await loop.run(1_000);
    expect(asked).toEqual([message(1).id, message(2).id]);
    expect(stored).toEqual([]);
  });

  test("waits in the journal alone when there are too many for the memory, and none is lost or overtaken", async () => {
    let isOpen = false;
    const numbers: number[] = [];
    const { loop, stored, send } = outbox(async (message) => {
      if (!isOpen) throw new AskFailure("stopped", to);
      numbers.push((message as { readonly number: number }).number);
      return ok();
    });
    const count = OUTBOX_LIMIT + 50;
    for (let number = 1; number <= count; number += 1) send(message(number));
    await loop.run(1_000);
    isOpen = true;
    await loop.runUntil(() => stored.length === 0, 10 * MINUTE_MS);
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });
});
