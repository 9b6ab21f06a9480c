import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { requireCapability } from "../../support/capability.ts";
import { toolProgram } from "../../support/tool-program.ts";
import type { Findings } from "./acknowledgement/main.ts";

const describeAsRoot = await requireCapability("root");
const MAIN = new URL("acknowledgement/main.ts", import.meta.url).pathname;
/** What keeps the processors busy for the proxy is not to keep them from other tests. */
const PATIENTLY = ["-n", "10"];
/** In namespaces of its own: the ports of a proxy are always the same. */
const ALONE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

describeAsRoot("a table that a proxy is said to serve", () => {
  test("is what every new connection and request meets from then on, at each of 128 ports, on a busy machine", async () => {
    const directory = mkdtempSync(join(tmpdir(), "odysseus-acknowledgement-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const command = [
      ...PATIENTLY,
      ...ALONE,
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      MAIN,
      await toolProgram("traefik"),
      directory,
    ];
    const { stdout } = await promisify(execFile)("nice", command, { timeout: 240_000, maxBuffer: 10_000_000 });
    const { rounds, answers, older } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Findings;
    expect(older).toEqual([]);
    expect(answers).toBe(rounds * 129);
  }, 260_000);
});
