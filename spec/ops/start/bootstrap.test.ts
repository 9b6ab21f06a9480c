import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { outsidePath } from "../../../ops/start/machine.mjs";

/** Three real installs, on a busy machine. */
const INSTALL_TIMEOUT_MS = 300_000;
const repository = resolve(import.meta.dirname, "../../..");

/** What a clone has of the start, and a control plane that only says that it was reached. */
function clone(): string {
  const root = mkdtempSync(join(tmpdir(), "odysseus-clone-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const name of ["package.json", "package-lock.json", ".npmrc", "ops/start", "ops/cli/odysseus"]) {
    cpSync(join(repository, name), join(root, name), { recursive: true });
  }
  mkdirSync(join(root, "ops/control-plane"), { recursive: true });
  writeFileSync(
    join(root, "ops/control-plane/main.ts"),
    `const words: string[] = process.argv.slice(2);\nconsole.log("reached on", process.version, ...words);\n`,
  );
  writeFileSync(join(root, "ops/cli/main.ts"), `console.log("command line", ...(process.argv.slice(2) as string[]));\n`);
  return root;
}

interface Run {
  readonly pid: number;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

function run(root: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(program, args, {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: outsidePath(), ...env },
  });
  const pid = child.pid ?? 0;
  onTestFinished(() => killGroup(pid));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  return { pid, output: () => output, ended: new Promise((done) => child.on("close", done)) };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

describe("npm start in a fresh clone", () => {
  test(
    "installs once, also after it was interrupted, when started twice at once, and for a user who omits optional packages",
    async () => {
      const root = clone();
      const interrupted = run(root, "npm", ["start"]);
      await expect.poll(() => existsSync(join(root, "node_modules")), { timeout: INSTALL_TIMEOUT_MS, interval: 20 }).toBe(true);
      killGroup(interrupted.pid);
      await interrupted.ended;

      const starts = [1, 2].map((number) => run(root, "npm", ["start", "--", "--port", String(number)], { npm_config_omit: "optional" }));
      expect(await Promise.all(starts.map(({ ended }) => ended))).toEqual([0, 0]);
      const outputs = starts.map(({ output }) => output());
      expect(outputs.filter((output) => output.includes("Installing "))).toHaveLength(1);
      expect(outputs.filter((output) => output.includes("waiting for it"))).toHaveLength(1);
      for (const [index, output] of outputs.entries())
        expect(output).toMatch(new RegExp(`reached on v(2[4-9]|[3-9]\\d)\\S* --port ${index + 1}`));

      const again = run(root, "npm", ["start"]);
      expect(await again.ended).toBe(0);
      expect(again.output()).not.toContain("Installing");

      const npx = run(root, "npx", ["odysseus", "scale", "web"]);
      expect(await npx.ended).toBe(0);
      expect(npx.output()).toContain("command line scale web");
    },
    INSTALL_TIMEOUT_MS,
  );

  test(
    "says what to do when the registry cannot be reached, and ends with the code for it",
    async () => {
      const root = clone();
      const registry = { npm_config_registry: "http://127.0.0.1:1/", npm_config_fetch_retries: "0", npm_config_cache: join(root, "cache") };
      const start = run(root, "npm", ["start"], registry);
      expect(await start.ended).toBe(13);
      expect(start.output()).toContain(`could not install the dependencies in ${root}: check that the npm registry is reachable`);
    },
    INSTALL_TIMEOUT_MS,
  );
});

describe("the odysseus command", () => {
  test("runs through a link from anywhere", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "odysseus-link-"));
    onTestFinished(() => rmSync(elsewhere, { recursive: true }));
    const link = join(elsewhere, "ody");
    symlinkSync(join(repository, "ops/cli/odysseus"), link);
    const started = run(elsewhere, link, ["--help"]);
    expect(await started.ended).toBe(0);
    expect(started.output()).toContain("odysseus");
  });

  test("says that npm start comes first when nothing is installed", async () => {
    const root = clone();
    const started = run(root, join(root, "ops/cli/odysseus"), ["--help"], { PATH: "/usr/bin:/bin" });
    expect(await started.ended).toBe(13);
    expect(started.output()).toContain("run npm start there first");
  });
});
