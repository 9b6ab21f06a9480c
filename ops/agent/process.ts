import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sourceState } from "./source-state.ts";

const MAIN = new URL("main.ts", import.meta.url).pathname;
const SOURCES = ["actors", "agent", "ops", "runtime"].map((folder) => new URL(`../../${folder}`, import.meta.url).pathname);
const FLAGS = ["--disable-warning=ExperimentalWarning", "--max-semi-space-size=1"];

export interface AgentProcess {
  readonly command: readonly [string, ...string[]];
  readonly env: NodeJS.ProcessEnv;
}

/**
 * How an agent is started: with a small young generation, and from sources that are compiled already. One that compiles them itself keeps Node's
 * TypeScript stripper in memory for good: 107 MB instead of 82 MB.
 */
export async function agentProcess(settingsFile: string, cacheDirectory: string): Promise<AgentProcess> {
  const env = { ...process.env, NODE_COMPILE_CACHE: cacheDirectory };
  const marker = join(cacheDirectory, `agent-${sourceState(SOURCES)}-${process.version}`);
  if (!existsSync(marker)) {
    mkdirSync(cacheDirectory, { recursive: true, mode: 0o700 });
    // Without settings it only loads its sources, which leaves them compiled.
    if (await succeeds(spawn(process.execPath, [...FLAGS, MAIN, "--compile"], { env, stdio: "ignore" }))) writeFileSync(marker, "");
  }
  return { command: [process.execPath, ...FLAGS, MAIN, settingsFile], env };
}

function succeeds(child: ReturnType<typeof spawn>): Promise<boolean> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
