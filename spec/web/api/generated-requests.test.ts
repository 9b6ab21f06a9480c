import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { deploymentActor } from "../../../actors/deployment/actor.ts";
import { hostNamesActor } from "../../../actors/host-name/actor.ts";
import { INSTALLATION } from "../../../actors/host-name/commands.ts";
import { ingressActor } from "../../../actors/ingress/actor.ts";
import { certificatesActor } from "../../../actors/certificate/actor.ts";
import { Supplies } from "../../../actors/certificate/supply.ts";
import { certificateMaker } from "../../../ops/certificates/certificate-maker.ts";
import { memorySealedStore } from "../../../storage/memory-sealed.ts";
import { SimulatedAuthority } from "../../actors/certificate/simulated-authority.ts";
import { nodeActor } from "../../../actors/node/actor.ts";
import { operationRefusals, operations } from "../../../actors/operations.ts";
import { schedulerActor } from "../../../actors/scheduler/actor.ts";
import { stackActor } from "../../../actors/stack/actor.ts";
import { ActorHost } from "../../../runtime/actor-host.ts";
import type { Host } from "../../../runtime/actor.ts";
import type { Bus } from "../../../runtime/bus.ts";
import { runtimeRefusals } from "../../../runtime/errors.ts";
import { silentLog } from "../../../runtime/log.ts";
import { noMeter } from "../../../runtime/meter.ts";
import { nactTurns } from "../../../runtime/nact-turns.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { systemRandom } from "../../../runtime/system-random.ts";
import { openMemoryTenant, type MemoryTenant } from "../../../storage/memory-tenant.ts";
import { API_ERRORS } from "../../../web/api/errors.ts";
import { nodeRow } from "../../actors/read-context.ts";
import { faultyFor, validFor, type JsonSchema } from "./schema-arbitrary.ts";
import { startTestApi, TENANT, type TestApi } from "./test-api.ts";

/** Requests per operation: enough to meet each field with nonsense, few enough for every run. */
const RUNS_PER_OPERATION = 40;
/** An image that is pinned already is looked up nowhere. */
const PINNED_IMAGE = `registry.example/web@sha256:${"a".repeat(64)}`;
const TIMEOUT_MS = 120_000;

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly schema: JsonSchema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
}

interface Generated {
  readonly path: string;
  readonly init: RequestInit;
}

async function actors(tenant: MemoryTenant, bus: Bus): Promise<Host> {
  const outside = { clock: systemClock, bus, epochOf: () => 1, sealedOf: () => memorySealedStore() };
  const supplies = new Supplies();
  const certificates = certificatesActor({
    clock: systemClock,
    log: silentLog,
    sealedOf: () => memorySealedStore(),
    maker: certificateMaker,
    authority: new SimulatedAuthority(systemClock, () => undefined),
    nodes: { lacking: () => undefined },
    supplies,
  });
  const host = new ActorHost({
    bus,
    clock: systemClock,
    random: systemRandom,
    turns: nactTurns(),
    log: silentLog,
    meter: noMeter,
    definitions: [
      deploymentActor,
      stackActor,
      schedulerActor,
      nodeActor(outside),
      ingressActor({ ...outside, keys: supplies }),
      certificates,
      hostNamesActor,
    ],
    servedKinds: ["node"],
    remoteKinds: ["agent"],
  });
  await host.addTenant({ tenant: TENANT, journal: tenant.journal, epoch: 1 });
  const installation = openMemoryTenant({ tenant: INSTALLATION });
  await installation.journal.claim(1);
  await host.addTenant({ tenant: INSTALLATION, journal: installation.journal, epoch: 1 });
  onTestFinished(() => host.stop());
  return host;
}

function requestsFor(method: string, template: string, { parameters = [], requestBody }: Described): fc.Arbitrary<Generated> {
  const given = (place: string): JsonSchema => {
    const own = parameters.filter((item) => item.in === place);
    return {
      type: "object",
      properties: Object.fromEntries(own.map(({ name, schema }) => [name, schema])),
      required: own.filter(({ required }) => required === true).map(({ name }) => name),
    };
  };
  const either = (schema: JsonSchema): fc.Arbitrary<unknown> =>
    fc.oneof({ arbitrary: validFor(schema), weight: 2 }, { arbitrary: faultyFor(schema), weight: 1 });
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  const existing = fc.record({ name: fc.constantFrom("web", "n1"), id: fc.constant("web.1.1") });
  return fc
    .record({
      path: fc.oneof(existing, either(given("path"))),
      query: either(given("query")),
      body: body === undefined ? fc.constant(undefined) : either(body),
      ifMatch: fc.option(fc.constantFrom('"1"', '"99"', "nonsense")),
      key: fc.option(fc.constantFrom("k1", "k2", "with space")),
    })
    .map(({ path, query, body: content, ifMatch, key }) => {
      const fields = asRecord(path);
      const filled = template.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(textOf(fields[name])) || "-");
      const search = new URLSearchParams(Object.entries(asRecord(query)).map(([name, value]): [string, string] => [name, textOf(value)]));
      const headers = {
        ...(content === undefined ? {} : { "content-type": "application/json" }),
        ...(ifMatch === null ? {} : { "if-match": ifMatch }),
        ...(key === null ? {} : { "idempotency-key": key }),
      };
      const init: RequestInit = {
        method: method.toUpperCase(),
        headers,
        ...(content === undefined ? {} : { body: JSON.stringify(withImage(content)) }),
      };
      return { path: `${filled}${search.size === 0 ? "" : `?${search.toString()}`}`, init };
    });
}

/** Most generated images would end at the lookup; half of them get one that needs none. */
function withImage(content: unknown): unknown {
  const { image } = asRecord(content);
  return typeof image === "string" && image.length % 2 === 0 ? { ...asRecord(content), image: PINNED_IMAGE } : content;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

function textOf(value: unknown): string {
  return (typeof value === "string" ? value : (JSON.stringify(value) ?? "")).toWellFormed();
}

const codes = new Set([...Object.keys(API_ERRORS), ...Object.keys(operationRefusals), ...Object.keys(runtimeRefusals)]);
/** What the API answers when an actor did not. */
const mistakes = new Set(Object.keys(API_ERRORS).filter((code) => code === "internal" || code.startsWith("actor.")));

/** Whatever is sent, the answer is a success or a problem of the catalogue; never our own mistake. */
async function expectAnAnswer(api: TestApi, { path, init }: Generated): Promise<void> {
  const controller = new AbortController();
  const response = await api.request(path, { ...init, signal: controller.signal });
  if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
    const { value } = (await response.body?.getReader().read()) ?? {};
    controller.abort();
    expect(value?.length).toBeGreaterThan(0);
    return;
  }
  const text = await response.text();
  if (response.status === 200) {
    JSON.parse(text);
    return;
  }
  const problem = JSON.parse(text) as { readonly code: string; readonly status: number };
  expect([problem.status, codes.has(problem.code), mistakes.has(problem.code)]).toEqual([response.status, true, false]);
}

test(
  "generated requests to every operation of the document get an answer or a problem, and no mistake of ours",
  { timeout: TIMEOUT_MS },
  async () => {
    const api = await startTestApi({ operations, hostOf: actors });
    await api.put({ kind: "node", id: "n1", body: nodeRow("n1") });
    expect((await api.post("/api/v1/deployments", { name: "web", image: PINNED_IMAGE })).status).toBe(200);
    const { paths } = (await (await api.request("/openapi.json")).json()) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
    };
    for (const [template, methods] of Object.entries(paths)) {
      for (const [method, described] of Object.entries(methods)) {
        await fc.assert(
          fc.asyncProperty(requestsFor(method, template, described), (generated) => expectAnAnswer(api, generated)),
          { numRuns: RUNS_PER_OPERATION, endOnFailure: false },
        );
      }
    }
  },
);
