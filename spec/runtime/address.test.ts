import { describe, expect, test } from "vitest";
import { addressOf, addressOfSubject, isId, partsOf, subjectOf } from "../../runtime/address.ts";
import { matchesSubject } from "../../runtime/subjects.ts";
import { systemRandom } from "../../runtime/system-random.ts";

describe("an address", () => {
  test("is its own subject's, and its parts'", () => {
    for (const address of [addressOf("acme"), addressOf("acme", "scheduler"), addressOf("acme", "deployment", "web-1")]) {
      expect(addressOfSubject(subjectOf(address))).toBe(address);
    }
    expect(partsOf(addressOf("acme"))).toEqual({ tenant: "acme", kind: "tenant", name: "" });
  });

  test("is made of ids only", () => {
    for (const text of ["", "-a", "A", "a.b", "a*", "a/b", "ü", "a".repeat(64)]) {
      expect(isId(text)).toBe(false);
      expect(() => addressOf("acme", "deployment", text)).toThrow("not an id");
    }
    for (const subject of ["ody", "other.acme", "ody.acme.a.b.c", "ody.acme.>", "ody..a"])
      expect(addressOfSubject(subject)).toBeUndefined();
  });
});

test("a pattern stands for one segment per star", () => {
  expect(matchesSubject("ody.*.node.*", "ody.acme.node.n1")).toBe(true);
  expect(matchesSubject("ody.*.node.*", "ody.acme.node")).toBe(false);
  expect(matchesSubject("ody.acme", "ody.acme")).toBe(true);
});

test("ids are ids, differ, and sort by the time they were made", async () => {
  const early = Array.from({ length: 2_000 }, () => systemRandom.id());
  const startMs = Date.now();
  await expect.poll(() => Date.now() - startMs, { interval: 1 }).toBeGreaterThan(1);
  const late = systemRandom.id();
  expect(new Set(early).size).toBe(2_000);
  for (const id of early) expect(isId(id) && id.length === 26 && id < late).toBe(true);
});
