import { connect } from "nats";
import { AskFailure } from "../../runtime/actor.ts";
import { addressOf, subjectOf } from "../../runtime/address.ts";
import type { Meta } from "../../runtime/journal.ts";
import { silentLog } from "../../runtime/log.ts";
import { NatsBus } from "../../runtime/nats-bus.ts";
import { askOverBus, serveOverBus } from "../../runtime/remote.ts";
import { systemClock } from "../../runtime/system-clock.ts";
import { systemRandom } from "../../runtime/system-random.ts";
import { startTestNats } from "../runtime/support/nats.ts";

/**
 * An ask of an actor in another connection beside a bare request/reply of the client library with a payload of the same size, over one real server.
 * Both are measured in turns, so that the machine's moods meet both.
 */
const ROUNDS = 40;
const ASKS_PER_ROUND = 250;
const WARM_UP_ASKS = 2_000;
const IN_FLIGHT = 64;
const TEXT = "x".repeat(256);

const nats = await startTestNats();
const [client, server] = [await connect({ servers: nats.url, noAsyncTraces: true }), await connect({ servers: nats.url })];
const bareSubject = "bench.bare";
server.subscribe(bareSubject, { callback: (_error, message) => void message.respond(message.data) });

const busOf = (name: string): NatsBus =>
  new NatsBus({ url: nats.url, inboxPrefix: `_INBOX_${name}`, name, clock: systemClock, log: silentLog });
const [asker, asked] = [busOf("asker"), busOf("asked")];
const to = addressOf("acme", "bench", "one");
serveOverBus(asked, subjectOf(to), async (message) => ({ kind: "ok", value: message }));

const meta = (): Meta => {
  const commandId = systemRandom.id();
  return { commandId, principal: { kind: "system", id: "acme/bench/two", role: "system" }, via: "system", correlationId: commandId };
};
const ask = (): Promise<unknown> => askOverBus(asker, to, { kind: "echo", text: TEXT }, meta(), { timeoutMs: 5_000 });
const bareText = JSON.stringify({ envelope: { message: { kind: "echo", text: TEXT }, meta: meta() } });
const bare = async (): Promise<unknown> => (await client.request(bareSubject, bareText, { timeout: 5_000 })).string();

async function untilServed(): Promise<void> {
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (!(error instanceof AskFailure)) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }
}

async function latencies(request: () => Promise<unknown>, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now();
    await request();
    times.push(performance.now() - startedMs);
  }
  return times;
}

async function perSecond(request: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  const count = ROUNDS * ASKS_PER_ROUND;
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await request();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return count / ((performance.now() - startedMs) / 1_000);
}

const quantile = (sorted: readonly number[], share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;

await untilServed();
await latencies(ask, WARM_UP_ASKS);
await latencies(bare, WARM_UP_ASKS);
const [asks, bares]: [number[], number[]] = [[], []];
for (let round = 0; round < ROUNDS; round += 1) {
  asks.push(...(await latencies(ask, ASKS_PER_ROUND)));
  bares.push(...(await latencies(bare, ASKS_PER_ROUND)));
}
asks.sort((a, b) => a - b);
bares.sort((a, b) => a - b);
for (const share of [0.5, 0.99]) {
  const [mine, theirs] = [quantile(asks, share), quantile(bares, share)];
  console.log(
    `one at a time, p${share * 100}: bare ${theirs.toFixed(3)} ms, ask ${mine.toFixed(3)} ms, ratio ${(mine / theirs).toFixed(2)}${share === 0.5 ? " (aim: at most 1.3)" : ""}`,
  );
}
const [bareRate, askRate] = [await perSecond(bare), await perSecond(ask)];
console.log(
  `${IN_FLIGHT} in flight: bare ${Math.round(bareRate)}/s, ask ${Math.round(askRate)}/s, ratio ${(askRate / bareRate).toFixed(2)}`,
);
await Promise.all([asker.close(), asked.close(), client.close(), server.close()]);
await nats.kill();
