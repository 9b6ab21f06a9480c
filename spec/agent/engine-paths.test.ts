import { expect, test } from "vitest";
import { seenByEngine } from "../../agent/engine-paths.ts";

test("an agent and an engine on one machine name a file alike", () => {
  expect(seenByEngine("/run/odysseus/files/a", [])).toBe("/run/odysseus/files/a");
});

test("what the engine sees elsewhere is named as the engine sees it; the nearest directory counts, and a name that only begins alike does not", () => {
  const paths = [
    { agent: "/srv/beds/n1", engine: "/run/shared" },
    { agent: "/srv/beds/n1/memory", engine: "/memory" },
  ];
  expect(seenByEngine("/srv/beds/n1/agent/proxy", paths)).toBe("/run/shared/agent/proxy");
  expect(seenByEngine("/srv/beds/n1", paths)).toBe("/run/shared");
  expect(seenByEngine("/srv/beds/n1/memory/a", paths)).toBe("/memory/a");
  expect(seenByEngine("/srv/beds/n10/a", paths)).toBe("/srv/beds/n10/a");
});
