import { describe, expect, test } from "vitest";
import { AskFailure, type AskFailureReason } from "../../../runtime/actor.ts";
import { addressOf } from "../../../runtime/address.ts";
import { deploymentRefusals } from "../../../actors/deployment/refusals.ts";
import { problemIn, startTestApi, TENANT } from "./test-api.ts";

describe("Idempotency-Key", () => {
  test("the same request with one key acts once and is answered alike", async () => {
    const api = await startTestApi();
    const answers = await Promise.all(
      [1, 2, 3].map(async () => (await api.post("/api/v1/counters/web/raise", { by: 5 }, { "idempotency-key": "k1" })).json()),
    );
    answers.push(await (await api.post("/api/v1/counters/web/raise", { by: 5 }, { "idempotency-key": "k1" })).json());
    expect(answers).toEqual(Array.from({ length: 4 }, () => ({ name: "web", generation: 5 })));
    expect(api.counters.valueOf("web")).toBe(5);
  });

  test("without a key each request acts", async () => {
    const api = await startTestApi();
    await api.post("/api/v1/counters/web/raise", {});
    expect(await (await api.post("/api/v1/counters/web/raise", {})).json()).toEqual({ name: "web", generation: 2 });
  });

  test("one key with other input is refused, also after a restart", async () => {
    const api = await startTestApi();
    await api.post("/api/v1/counters/web/raise", { by: 5 }, { "idempotency-key": "k1" });
    const other = await api.post("/api/v1/counters/web/raise", { by: 6 }, { "idempotency-key": "k1" });
    expect([other.status, (await problemIn(other)).code]).toEqual([422, "idempotency.mismatch"]);
    const elsewhere = await api.post("/api/v1/counters/shop/raise", { by: 5 }, { "idempotency-key": "k1" });
    expect(elsewhere.status).toBe(422);
    await api.stop();
    const restarted = await startTestApi({ tenant: api.tenant });
    const later = await restarted.post("/api/v1/counters/web/raise", { by: 7 }, { "idempotency-key": "k1" });
    expect([later.status, (await problemIn(later)).code]).toEqual([422, "idempotency.mismatch"]);
    expect(await (await restarted.post("/api/v1/counters/web/raise", { by: 5 }, { "idempotency-key": "k1" })).json()).toEqual({
      name: "web",
      generation: 5,
    });
    expect(restarted.counters.valueOf("web")).toBe(0);
  });

  test("a key under which nothing was done may be used for something else", async () => {
    const api = await startTestApi();
    api.counters.next = async () => deploymentRefusals["deployment.not-found"]({ name: "web" });
    expect((await api.post("/api/v1/counters/web/raise", { by: 5 }, { "idempotency-key": "k1" })).status).toBe(404);
    expect((await api.post("/api/v1/counters/web/raise", { by: 6 }, { "idempotency-key": "k1" })).status).toBe(200);
  });

  test("a key that is none is refused", async () => {
    const api = await startTestApi();
    const response = await api.post("/api/v1/counters/web/raise", {}, { "idempotency-key": "with space" });
    expect((await problemIn(response)).errors?.[0]).toMatchObject({ in: "header", pointer: "Idempotency-Key" });
  });
});

describe("If-Match", () => {
  test("the generation is given as ETag and reaches the operation", async () => {
    const api = await startTestApi();
    expect((await api.post("/api/v1/counters/web/raise", { by: 7 })).headers.get("etag")).toBe('"7"');
    expect(await (await api.request("/api/v1/counters/web", { headers: { "if-match": '"7"' } })).json()).toMatchObject({ ifGeneration: 7 });
    expect(await (await api.request("/api/v1/counters/web", { headers: { "if-match": "*" } })).json()).not.toHaveProperty("ifGeneration");
  });

  test("a tag that is not one of ours is refused", async () => {
    const api = await startTestApi();
    for (const tag of ['W/"7"', "7", '"seven"', '"1", "2"']) {
      const response = await api.request("/api/v1/counters/web", { headers: { "if-match": tag } });
      expect([response.status, (await problemIn(response)).errors?.[0]?.pointer]).toEqual([400, "If-Match"]);
    }
  });
});

test("an actor that gives no answer becomes a problem that says what is known", async () => {
  const api = await startTestApi();
  const expected: Readonly<Record<AskFailureReason, readonly [number, string, boolean]>> = {
    timeout: [504, "actor.timeout", true],
    "mailbox-full": [503, "actor.busy", true],
    stopped: [503, "actor.stopped", true],
    "not-owner": [503, "actor.stopped", true],
    quarantined: [503, "actor.quarantined", false],
    crashed: [500, "actor.crashed", true],
    "unknown-kind": [500, "actor.crashed", true],
  };
  for (const [reason, [status, code, retryable]] of Object.entries(expected)) {
    api.counters.next = () => Promise.reject(new AskFailure(reason as AskFailureReason, addressOf(TENANT, "counter", "all")));
    const response = await api.post("/api/v1/counters/web/raise", {});
    expect(response.headers.has("retry-after")).toBe(retryable);
    expect(await problemIn(response)).toMatchObject({ status, code, retryable });
    expect(response.status).toBe(status);
  }
});

test("our own mistake is a problem with the correlation id and without its inside", async () => {
  const api = await startTestApi();
  api.counters.next = () => Promise.reject(new Error("secret inside"));
  const response = await api.post("/api/v1/counters/web/raise", {});
  const problem = await problemIn(response);
  expect(problem).toMatchObject({ status: 500, code: "internal", correlationId: response.headers.get("x-correlation-id") });
  expect(JSON.stringify(problem)).not.toContain("secret inside");
});

test("a command tells who sent it and by which surface", async () => {
  const api = await startTestApi();
  const plain = await (await api.request("/api/v1/counters/web")).json();
  expect(plain).toMatchObject({ meta: { principal: { kind: "user", id: "admin", role: "admin" }, via: "api" } });
  const cli = await (await api.request("/api/v1/counters/web", { headers: { "user-agent": "odysseus-cli/0.1.0" } })).json();
  expect(cli).toMatchObject({ meta: { via: "cli" } });
});
