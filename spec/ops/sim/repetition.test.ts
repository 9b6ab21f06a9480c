import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { runSeed } from "../../../ops/sim/run-seed.ts";

const SEED = 7;
const TIMEOUT_MS = 120_000;
const BURNERS = 3;

async function digestInProcess(): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ["ops/sim/main.ts", "--seed", String(SEED)]);
  return / steps, (?<digest>[0-9a-f]{16})/.exec(stdout)?.groups?.["digest"] ?? stdout;
}

test(
  "a seed repeats itself to the byte, in another process and while others use up the processors",
  async () => {
    const { digest } = await runSeed({ seed: SEED });
    expect((await runSeed({ seed: SEED })).digest).toBe(digest);
    const burners = Array.from({ length: BURNERS }, () => spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
    try {
      expect(await digestInProcess()).toBe(digest.slice(0, 16));
    } finally {
      for (const burner of burners) burner.kill("SIGKILL");
    }
  },
  TIMEOUT_MS,
);

test(
  "another seed is another story",
  async () => {
    const [one, other] = [await runSeed({ seed: SEED }), await runSeed({ seed: SEED + 1 })];
    expect(one.digest).not.toBe(other.digest);
  },
  TIMEOUT_MS,
);

test("a seed that is no number is refused in one sentence", async () => {
  const failed = promisify(execFile)(process.execPath, ["ops/sim/main.ts", "--seed", "x"]);
  await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("seeds are whole numbers") as string });
});
