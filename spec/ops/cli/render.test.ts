import { expect, test } from "vitest";
import { openOutput } from "../../../ops/cli/output.ts";
import { render } from "../../../ops/cli/render.ts";

const out = openOutput({ json: false, env: { NO_COLOR: "1" } });

test("a list that has no table of its own calls its fields in words, and each by the unit that is shown", () => {
  const items = [{ imageId: "sha256:1", sizeBytes: 1_048_576, cpuMillis: 500 }];
  const lines = render(out, { items, totalBytes: 2_097_152, seenAtMs: Date.now() - 5_000 }, "none");
  expect(lines[0]).toMatch(/^IMAGE ID +SIZE +CPU MILLIS$/);
  expect(lines[1]).toMatch(/^sha256:1 +1\.0 MiB +500$/);
  expect(lines[2]).toBe("total: 2.0 MiB");
  expect(lines[3]).toMatch(/^seen at: \S+ \(5s ago\)$/);
});

test("one thing is told by the names that its fields have elsewhere, as names that people chose may be among them", () => {
  expect(render(out, { environment: { logLevel: "debug" } }, "none")).toEqual(["environment:", "  logLevel: debug"]);
});
