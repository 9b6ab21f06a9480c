import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { onTestFinished } from "vitest";
import { z } from "zod";
import type { Operation, OperationContext } from "../../../actors/catalogue.ts";
import { defineOperation } from "../../../actors/catalogue.ts";
import { operationRefusals } from "../../../actors/operations.ts";
import { addressOf } from "../../../runtime/address.ts";
import type { Host, Reply } from "../../../runtime/actor.ts";
import type { Bus } from "../../../runtime/bus.ts";
import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { Meta, RowChange } from "../../../runtime/journal.ts";
import { silentLog } from "../../../runtime/log.ts";
import { MemoryBroker } from "../../../runtime/memory-bus.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { openMemoryTenant, type MemoryTenant } from "../../../storage/memory-tenant.ts";
import { Administrator } from "../../../web/api/auth/administrator.ts";
import type { Authenticator } from "../../../web/api/auth/identity.ts";
import type { Readiness } from "../../../web/api/probes.ts";
import { startApi, type ListenOptions } from "../../../web/api/server.ts";
import { memorySealedStore } from "../../../storage/memory-sealed.ts";

export const TENANT = "acme";
export const SYSTEM_META: Meta = {
  commandId: "seed",
  principal: { kind: "system", id: "system", role: "system" },
  via: "system",
  correlationId: "seed",
};

interface Pending {
  readonly dueMs: number;
  fire(): void;
}

/** The machine's clock, which can also be moved on by hand: what is due then is called. */
export class MovableClock implements Clock {
  #offsetMs = 0;
  readonly #pending = new Set<Pending>();
  nowMs = (): number => systemClock.nowMs() + this.#offsetMs;
  monotonicMs = (): number => systemClock.monotonicMs() + this.#offsetMs;

  after = (delayMs: number, call: () => void): Timer => {
    const pending: Pending = {
      dueMs: this.monotonicMs() + delayMs,
      fire: () => {
        timer.cancel();
        if (this.#pending.delete(pending)) call();
      },
    };
    const timer = systemClock.after(delayMs, () => pending.fire());
    this.#pending.add(pending);
    return {
      cancel: () => {
        timer.cancel();
        this.#pending.delete(pending);
      },
    };
  };

  moveOn(byMs: number): void {
    this.#offsetMs += byMs;
    for (const pending of this.#pending) if (pending.dueMs <= this.monotonicMs()) pending.fire();
  }
}

/** Something a small operation of the tests acts on: counters that remember commands as an actor does. */
class Counters implements Host {
  readonly tenant: MemoryTenant;
  readonly #values = new Map<string, number>();
  readonly #soft = new Map<string, unknown>();
  #version = 0;
  /** Set by a test: what the next ask does instead. */
  next: (() => Promise<Reply>) | undefined;

  constructor(tenant: MemoryTenant) {
    this.tenant = tenant;
  }

  valueOf(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  say(address: string, soft: unknown): void {
    this.#soft.set(address, soft);
  }

  async ask(_to: unknown, message: unknown, meta: Meta): Promise<Reply> {
    const instead = this.next;
    this.next = undefined;
    if (instead !== undefined) return instead();
    const { name, by } = message as { readonly name: string; readonly by: number };
    const value = this.valueOf(name) + by;
    const stream = addressOf(TENANT, "counter", "all");
    const recalled = await this.tenant.journal.recall(stream, meta.commandId);
    if (recalled !== undefined) return { kind: "ok", value: recalled.value };
    const reply = { name, generation: value };
    await this.tenant.journal.commit({
      stream,
      expectedVersion: this.#version++,
      epoch: 1,
      atMs: Date.now(),
      meta,
      events: [{ type: "counter.raised", schema: 1, data: { name, by } }],
      reply: { value: reply },
      audit: [{ operation: "deployments.raise", resource: stream, outcome: "accepted" }],
      outbox: [],
      rows: [],
    });
    this.#values.set(name, value);
    return { kind: "ok", value: reply };
  }

  tell(): void {}

  recall(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  actors(): readonly [] {
    return [];
  }

  soft(address: unknown): unknown {
    return this.#soft.get(String(address));
  }
}

const base = { roles: ["admin", "operator"] as const, errors: [], description: "For tests.", example: "x" };

/** Raises a counter: the smallest write there is. */
export const raise = defineOperation({
  ...base,
  name: "deployments.raise",
  title: "Raise",
  effect: "write",
  input: z.strictObject({
    name: z.string().regex(/^[a-z]{1,10}$/),
    by: z.int().min(1).max(100).default(1),
    health: z
      .discriminatedUnion("kind", [
        z.strictObject({ kind: z.literal("http"), path: z.string() }),
        z.strictObject({ kind: z.literal("tcp") }),
      ])
      .optional(),
    share: z.union([z.int(), z.string().regex(/^\d+%$/, "a share is a count or a percentage")]).optional(),
  }),
  output: z.object({ name: z.string(), generation: z.int() }),
  http: { method: "POST", path: "/counters/{name}/raise" },
  handle: (input, context) => context.host.ask(addressOf(TENANT, "counter", "all"), input, context.meta, { timeoutMs: 10_000 }),
});

/** Tells what it was called with. */
export const echo = defineOperation({
  ...base,
  roles: ["admin", "operator", "developer", "read-only"],
  name: "deployments.echo",
  title: "Echo",
  effect: "read",
  input: z.strictObject({
    name: z.string().max(20),
    limit: z.int().min(1).max(500).default(10),
    isLoud: z.boolean().optional(),
    streams: z.array(z.enum(["stdout", "stderr"])).optional(),
  }),
  output: z.unknown(),
  http: { method: "GET", path: "/counters/{name}" },
  handle: async (input, { meta, ifGeneration, tenant }) => ({ kind: "ok", value: { input, meta, ifGeneration, tenant } }),
});

export const remove = defineOperation({
  ...base,
  roles: ["admin"],
  name: "deployments.remove",
  title: "Remove",
  effect: "destructive",
  input: z.strictObject({ name: z.string().max(20) }),
  output: z.unknown(),
  http: { method: "DELETE", path: "/counters/{name}" },
  handle: async () => ({ kind: "ok", value: null }),
});

export interface TestApi {
  readonly url: string;
  readonly token: string;
  readonly administrator: Administrator;
  readonly counters: Counters;
  readonly tenant: MemoryTenant;
  readonly broker: MemoryBroker;
  readonly clock: MovableClock;
  readonly credentialsFile: string;
  /** With the administrator's token unless the test says otherwise. */
  request(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** Puts rows into the read model, as a decision would. */
  put(...rows: readonly { readonly kind: string; readonly id: string; readonly parent?: string; readonly body: object }[]): Promise<void>;
  change(rows: readonly RowChange[], events?: number): Promise<void>;
  stop(): Promise<void>;
}

export interface TestApiOptions {
  readonly operations?: readonly Operation[];
  readonly auth?: Authenticator;
  readonly ready?: () => Promise<Readiness>;
  readonly listen?: Partial<ListenOptions>;
  readonly tenant?: MemoryTenant;
  /** Actors to ask instead of the counters. */
  readonly hostOf?: (tenant: MemoryTenant, bus: Bus) => Promise<Host>;
}

/** A listening server on a free port over an in-memory tenant. Ends with the test. */
export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const home = mkdtempSync(join(tmpdir(), "odysseus-api-"));
  const clock = new MovableClock();
  const tenant = options.tenant ?? openMemoryTenant({ tenant: TENANT });
  await tenant.journal.claim(1);
  const counters = new Counters(tenant);
  const broker = new MemoryBroker(systemClock);
  const bus = broker.connect("control-plane");
  const host = (await options.hostOf?.(tenant, bus)) ?? counters;
  const credentialsFile = join(home, "credentials.json");
  const administrator = new Administrator({ file: credentialsFile, tenant: TENANT, clock });
  const token = administrator.issueToken("test");
  const api = await startApi({
    operations: options.operations ?? [raise, echo, remove],
    contextFor: (facts): OperationContext => ({
      ...facts,
      host,
      bus,
      reads: tenant.reads,
      sealed: memorySealedStore(),
      clock,
      random: systemRandom,
    }),
    clock,
    random: systemRandom,
    log: silentLog,
    auth: options.auth ?? administrator,
    metrics: new Registry(),
    ready: options.ready ?? (async () => ({ kind: "ready" })),
    version: "0.0.0",
    errors: operationRefusals,
    listen: { host: "127.0.0.1", port: 0, ...options.listen },
  });
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await api.stop();
    await bus.close();
    rmSync(home, { recursive: true });
  };
  onTestFinished(stop);
  const seed = { version: 0, stream: addressOf(TENANT, "deployment", "seed") };
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${api.url}${path}`, {
      redirect: "manual",
      ...init,
      headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string>) },
    });
  const change = async (rows: readonly RowChange[], events = 1): Promise<void> => {
    const result = await tenant.journal.commit({
      stream: seed.stream,
      expectedVersion: seed.version,
      epoch: 1,
      atMs: Date.now(),
      meta: { ...SYSTEM_META, commandId: `seed-${seed.version}` },
      events: Array.from({ length: events }, (_, index) => ({
        type: "seed.changed",
        schema: 1,
        data: { number: seed.version + index + 1 },
      })),
      reply: undefined,
      audit: [],
      outbox: [],
      rows,
    });
    if (result.kind !== "committed") throw new Error(JSON.stringify(result));
    seed.version += events;
  };
  return {
    url: api.url,
    token,
    administrator,
    counters,
    tenant,
    broker,
    clock,
    credentialsFile,
    request,
    post: (path, body, headers = {}) =>
      request(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    put: (...rows) =>
      change(rows.map(({ kind, id, parent = "", body }) => ({ change: "put", kind, id, parent, body: body as Record<string, unknown> }))),
    change,
    stop,
  };
}

/** The members of a problem that tests look at. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly instance: string;
  readonly correlationId: string;
  readonly retryable: boolean;
  readonly errors?: readonly { readonly in: string; readonly pointer: string; readonly message: string; readonly suggestion?: string }[];
}

export async function problemIn(response: Response): Promise<ProblemBody> {
  if (response.headers.get("content-type")?.startsWith("application/problem+json") !== true)
    throw new Error(`no problem but ${response.status} ${await response.text()}`);
  return (await response.json()) as ProblemBody;
}
