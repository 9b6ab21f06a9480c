import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BATCH_MESSAGES, MAILBOX_LIMIT } from "../../runtime/cell.ts";
import { DEAD_LETTERS_KEPT } from "../../runtime/dead-letters.ts";
import { outcomeOf, one, plainCell } from "./support/cells.ts";

const HOUR_MS = 3_600_000;

describe("a cell", () => {
  test("handles messages in the order they came", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string(), { maxLength: 300 }), async (texts) => {
        const { loop, cell, handled } = plainCell();
        const messages = texts.map((text, index) => `${index}${text}`);
        for (const [index, message] of messages.entries()) {
          cell.tell(message);
          if (index % 7 === 0) await loop.run(loop.nowMs + 1);
        }
        await loop.run(1_000);
        expect(handled).toEqual(messages);
      }),
      { numRuns: 50 },
    );
  });

  test("lets others have their turn after a batch", async () => {
    const { loop, cell, handled } = plainCell();
    await loop.run(0);
    for (let index = 0; index < 3 * BATCH_MESSAGES; index += 1) cell.tell(String(index));
    const seen: number[] = [];
    for (let step = 0; step < 3; step += 1) {
      await loop.runUntil(() => handled.length > (seen.at(-1) ?? 0), 10);
      seen.push(handled.length);
    }
    expect(seen).toEqual([BATCH_MESSAGES, 2 * BATCH_MESSAGES, 3 * BATCH_MESSAGES]);
  });

  test("refuses asks when its mailbox is full, and counts the tells it could not take", async () => {
    const { loop, cell, control, handled, deadLetters } = plainCell();
    await loop.run(0);
    control.hold();
    for (let index = 0; index < MAILBOX_LIMIT; index += 1) cell.tell("x");
    cell.tell("one too many");
    expect(await outcomeOf(cell.ask("y", 1_000))).toBe("mailbox-full");
    expect(deadLetters.newest()).toMatchObject([{ to: one, reason: "mailbox-full", message: "one too many" }]);
    control.release();
    await loop.run(1_000);
    expect(handled).toHaveLength(MAILBOX_LIMIT);
  });

  test("takes what it sends itself before everything else", async () => {
    const { loop, cell, control, handled } = plainCell();
    cell.tell("later");
    control.tellFirst("first");
    await loop.run(10);
    expect(handled).toEqual(["first", "later"]);
  });

  test("keeps messages while it recovers", async () => {
    let recovered = (): void => undefined;
    const { loop, cell, handled } = plainCell({
      recover: () =>
        new Promise((resolve) => {
          recovered = resolve;
        }),
    });
    const answer = cell.ask("early", 1_000);
    await loop.run(10);
    expect(handled).toEqual([]);
    recovered();
    await loop.run(20);
    expect(await answer).toBe("did early");
  });

  test("does not handle what its asker has given up", async () => {
    const { loop, cell, control, handled, deadLetters } = plainCell();
    await loop.run(0);
    control.hold();
    const answer = outcomeOf(cell.ask("stale", 50));
    await loop.run(100);
    expect(await answer).toBe("timeout");
    control.release();
    await loop.run(200);
    expect(handled).toEqual([]);
    expect(deadLetters.newest()).toMatchObject([{ reason: "expired", message: "stale" }]);
  });

  test("fails open asks the moment it stops, after what it is doing has ended, and tells who watches", async () => {
    let end = (): void => undefined;
    const { loop, cell, deadLetters } = plainCell({
      settled: () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    });
    const events: string[] = [];
    cell.watch(() => events.push("watcher told"));
    const open = outcomeOf(cell.ask("slow", HOUR_MS)).then((reason) => events.push(`ask ${String(reason)}`));
    await loop.run(10);
    cell.tell("unread");
    const stopped = cell.stop().then(() => events.push("stopped"));
    await loop.run(20);
    expect(events).toEqual([]);
    end();
    await Promise.all([open, stopped]);
    expect(events.toSorted()).toEqual(["ask stopped", "stopped", "watcher told"]);
    expect(await outcomeOf(cell.ask("too late", 100))).toBe("stopped");
    expect(deadLetters.newest().map(({ reason }) => reason)).toEqual(["stopped"]);
  });

  test("keeps the newest dead letters and counts all", async () => {
    const { cell, deadLetters } = plainCell();
    await cell.stop();
    for (let index = 0; index < DEAD_LETTERS_KEPT + 5; index += 1) cell.tell(String(index));
    expect(deadLetters.total).toBe(DEAD_LETTERS_KEPT + 5);
    expect(deadLetters.newest()).toHaveLength(DEAD_LETTERS_KEPT);
    expect(deadLetters.newest()[0]?.message).toBe("5");
  });
});

describe("a cell that fails", () => {
  test("parks the message with its stack, tells the asker, and goes on with the next one", async () => {
    const { loop, cell, handled, deadLetters } = plainCell();
    const [bad, good] = [outcomeOf(cell.ask("bad", 1_000)), cell.ask("good", 1_000)];
    await loop.run(500);
    expect(await bad).toBe("crashed");
    expect(await good).toBe("did good");
    expect(handled).toEqual(["good"]);
    expect(deadLetters.newest()).toMatchObject([{ reason: "crashed", message: "bad", stack: expect.stringContaining("boom") }]);
  });

  test("is quarantined after ten failures in ten minutes, keeps its mailbox, and goes on when it is resumed", async () => {
    const { loop, cell, handled } = plainCell();
    for (let index = 0; index < 10; index += 1) cell.tell("bad");
    cell.tell("kept");
    const waiting = outcomeOf(cell.ask("waiting", HOUR_MS));
    await loop.runUntil(() => cell.phase.kind === "quarantined", 600_000);
    expect(await waiting).toBe("quarantined");
    expect(await outcomeOf(cell.ask("new", HOUR_MS))).toBe("quarantined");
    cell.tell("kept too");
    await loop.run(loop.nowMs + HOUR_MS);
    expect(cell.phase).toMatchObject({ kind: "quarantined", error: { message: "boom" } });
    cell.resume("drop");
    await loop.run(loop.nowMs + 1_000);
    expect(handled).toEqual(["kept", "kept too"]);
  });

  test("handles the message it was quarantined for again, first, when that is wished", async () => {
    let isCured = false;
    const handled: string[] = [];
    const { loop, cell } = plainCell({
      turn: (message) => {
        if (!isCured && message === "bad") throw new Error("boom");
        handled.push(message);
      },
    });
    for (let index = 0; index < 10; index += 1) cell.tell("bad");
    cell.tell("kept");
    await loop.runUntil(() => cell.phase.kind === "quarantined", 600_000);
    isCured = true;
    cell.resume("retry");
    await loop.run(loop.nowMs + 1_000);
    expect(handled).toEqual(["bad", "kept"]);
  });

  test("tries again when it could not recover", async () => {
    let attempts = 0;
    const { loop, cell } = plainCell({
      recover: async () => {
        attempts += 1;
        if (attempts < 4) throw new Error("no disk");
      },
    });
    const answer = cell.ask("patient", 60_000);
    await loop.run(60_000);
    expect(await answer).toBe("did patient");
    expect(cell.restarts).toBe(3);
  });
});
