import { describe, expect, test } from "vitest";
import type { PlannedMember } from "../../../actors/stack/plan-stack.ts";
import { planLines, removalLines } from "../../../ops/cli/plan-lines.ts";

const out = { paint: (_colour: unknown, text: string) => text };

function members(count: number, change: PlannedMember["change"]): PlannedMember[] {
  return Array.from({ length: count }, (_, index) => ({
    service: `${change}-${index}`,
    deployment: `shop-${change}-${index}`,
    change,
    diff: [],
    joins: false,
    nodes: {},
    pending: 0,
    rejections: [],
    leftOut: [],
    images: [],
    findings: [],
  }));
}

const planned = {
  name: "shop",
  change: "change" as const,
  members: [...members(1_970, "none"), ...members(25, "create"), ...members(30, "remove")],
};

describe("the plan of a stack of thousands", () => {
  test("tells of the first of each kind, and how many there are besides", () => {
    const lines = planLines(out, planned);
    expect(lines[0]).toBe("shop: 25 to create, 30 to remove");
    expect(lines.filter((line) => line.includes("would be removed"))).toHaveLength(20);
    expect(lines.filter((line) => line.includes("would be created"))).toHaveLength(20);
    expect(lines.at(-1)).toBe("  and 10 more to remove, 1950 more with nothing to change, 5 more to create; --whole tells of each");
    expect(lines).toHaveLength(1 + 20 + 20 + 20 + 1);
  });

  test("tells of each when asked for the whole", () => {
    expect(planLines(out, planned, "whole")).toHaveLength(1 + planned.members.length);
  });

  test("tells of what goes in the same way when it is applied", () => {
    const lines = removalLines(out, planned, "some");
    expect(lines[0]).toBe("- remove-0 (shop-remove-0): will be removed, with its replicas");
    expect(lines.at(-1)).toBe("  and 10 more to remove; --whole tells of each");
    expect(lines).toHaveLength(20 + 1);
    expect(removalLines(out, planned, "whole")).toHaveLength(30);
  });
});
