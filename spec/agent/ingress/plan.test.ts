import { describe, expect, test } from "vitest";
import { MAX_RETIREMENT_MS, plan, type ProxySituation } from "../../../agent/ingress/plan.ts";
import type { FoundProxy } from "../../../agent/ingress/proxy-containers.ts";

const proxy = (half: "a" | "b", made = "new", isRunning = true): FoundProxy => ({ containerId: half, half, made, isRunning });

function next(change: Partial<ProxySituation>) {
  return plan({
    found: [],
    active: "a",
    wanted: "new",
    ready: new Set(),
    connections: { a: 0, b: 0 },
    idleForMs: { a: undefined, b: undefined },
    ...change,
  });
}

describe("what is done about a node's proxies", () => {
  test("one is run where there is none, and started where it was stopped", () => {
    expect(next({})).toEqual({ kind: "run", half: "a" });
    expect(next({ found: [proxy("a", "new", false)] })).toMatchObject({ kind: "start", proxy: { half: "a" } });
    expect(next({ found: [proxy("a")] })).toBeUndefined();
  });

  test("one that is made otherwise than it should be is relieved: the other half first serves, then ports lead to it, then the old one goes", () => {
    const old = proxy("a", "old");
    expect(next({ found: [old] })).toEqual({ kind: "run", half: "b" });
    expect(next({ found: [old, proxy("b")] })).toBeUndefined();
    expect(next({ found: [old, proxy("b")], ready: new Set(["b"]) })).toEqual({ kind: "switch", to: "b" });
    const switched = { found: [old, proxy("b")], active: "b" as const };
    expect(next(switched)).toBeUndefined();
    expect(next({ ...switched, idleForMs: { a: 5_000, b: undefined }, connections: { a: 1, b: 9 } })).toBeUndefined();
    expect(next({ ...switched, idleForMs: { a: 5_000, b: undefined } })).toMatchObject({ kind: "remove", proxy: { half: "a" } });
  });

  test("connections that are held through the old one for too long are cut", () => {
    const held = { found: [proxy("a", "old"), proxy("b")], active: "b" as const, connections: { a: 1, b: 0 } };
    expect(next({ ...held, idleForMs: { a: MAX_RETIREMENT_MS, b: undefined } })).toMatchObject({ kind: "remove", proxy: { half: "a" } });
  });

  test("a third one waits until the first has gone", () => {
    expect(
      next({
        found: [proxy("b", "old"), proxy("a", "older")],
        active: "b",
        idleForMs: { a: 5_000, b: undefined },
        connections: { a: 1, b: 1 },
      }),
    ).toBeUndefined();
  });

  test("an agent that lost its memory goes on with the proxy that is there", () => {
    expect(next({ found: [proxy("b", "old")] })).toEqual({ kind: "switch", to: "b" });
  });

  test("where nothing asks for one any more it goes when its last connection has ended", () => {
    const last = { found: [proxy("a")], wanted: undefined };
    expect(next({ ...last, idleForMs: { a: 5_000, b: 5_000 }, connections: { a: 1, b: 0 } })).toBeUndefined();
    expect(next({ ...last, idleForMs: { a: 5_000, b: 5_000 } })).toMatchObject({ kind: "remove" });
  });
});
