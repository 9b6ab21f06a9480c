import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { observeActors, prometheusMeter } from "../../runtime/metrics.ts";
import { pinoLog } from "../../runtime/pino-log.ts";
import { counterAddress, hostCounters, person, type HostedCounters } from "./support/host.ts";

let running: HostedCounters | undefined;
afterEach(() => running?.stop());

test("what actors do can be read from Prometheus, by kind and tenant", async () => {
  const registry = new Registry();
  running = await hostCounters({ meter: prometheusMeter(registry) });
  observeActors(registry, running.host);
  await running.host.ask(counterAddress("one"), { kind: "add", amount: 1 }, person(), { timeoutMs: 5_000 });
  await running.host.ask(counterAddress("one"), { kind: "explode" }, person(), { timeoutMs: 5_000 }).catch(() => undefined);
  await expect.poll(() => registry.metrics()).toContain('odysseus_actor_restarts_total{kind="counter"} 1');
  const text = await registry.metrics();
  expect(text).toContain('odysseus_dead_letters_total{reason="crashed"} 1');
  expect(text).toContain('odysseus_commit_seconds_count{tenant="acme",outcome="committed"} 1');
  expect(text).toMatch(/odysseus_actor_messages_total\{kind="counter"\} [1-9]/);
  expect(text).toMatch(/odysseus_actors\{kind="counter",phase="(running|recovering)"\} 1/);
  expect(text).toContain('odysseus_mailbox_messages{kind="counter"} 0');
});

test("a line of the log is JSON with its facts, and an error comes with its stack and its cause", () => {
  const lines: string[] = [];
  const log = pinoLog({ level: "info", destination: { write: (line) => lines.push(line) } }).with({ tenant: "acme" });
  log.debug("unheard");
  log.error("actor failed", { actor: "acme/counter/one", error: new Error("outer", { cause: new Error("inner") }) });
  expect(lines).toHaveLength(1);
  const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  expect(line).toMatchObject({ tenant: "acme", actor: "acme/counter/one", msg: "actor failed", error: { type: "Error" } });
  expect(JSON.stringify(line)).toContain("inner");
});
