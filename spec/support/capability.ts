import { existsSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";
import { describe, test } from "vitest";
import { pebblePrograms } from "../../ops/testbed/pebble.ts";
import { prepare } from "../../ops/testbed/prepare.ts";
import { composeOracleProgram } from "./compose-oracle.ts";

/** Begins the note of every test that stands for a suite which cannot run here; the summary at the end of a run looks for it. */
export const CANNOT_RUN = "cannot run here: ";

const CONNECT_TIMEOUT_MS = 1_000;

/** What a suite may need of a machine, and why this machine lacks it (undefined: it does not). */
const probes = {
  root: async () => (process.getuid?.() === 0 ? undefined : "needs root"),
  testbed: async () => {
    const prepared = await prepare();
    return prepared.kind === "ready" ? undefined : prepared.reason;
  },
  docker: async () => ((await answers("/var/run/docker.sock")) ? undefined : "needs a Docker engine at /var/run/docker.sock"),
  pebble: async () => {
    const programs = await pebblePrograms();
    return programs.kind === "ready" ? undefined : programs.reason;
  },
  composeOracle: async () => {
    const built = await composeOracleProgram();
    return built.kind === "ready" ? undefined : built.reason;
  },
  python: async () => lacking("python3"),
} as const satisfies Record<string, () => Promise<string | undefined>>;

export type Capability = keyof typeof probes;

/**
 * Gives `describe` for suites that need something of the machine:
 *
 *     const describeOnTestbed = await requireCapability("root", "testbed");
 *     describeOnTestbed("a deployment on three engines", () => { ... });
 *
 * Where the machine lacks it, the suite is skipped and the end of the run names it with the reason; with CI=true it fails.
 */
export async function requireCapability(...needed: readonly Capability[]): Promise<(title: string, body: () => void) => void> {
  const reasons = await Promise.all(needed.map((name) => probes[name]()));
  const reason = reasons.find((item) => item !== undefined);
  if (reason === undefined) {
    return (title, body) => {
      describe(title, () => {
        body();
      });
    };
  }
  return (title) => {
    test(title, (context) => {
      if (process.env.CI === "true") throw new Error(`${CANNOT_RUN}${reason}`);
      context.skip(`${CANNOT_RUN}${reason}`);
    });
  };
}

async function lacking(...commands: readonly string[]): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  const absent = commands.filter((command) => !folders.some((folder) => existsSync(join(folder, command))));
  return absent.length === 0 ? undefined : `needs ${absent.join(", ")} on PATH`;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath, timeout: CONNECT_TIMEOUT_MS });
    const finish = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.on("connect", () => finish(true));
    socket.on("timeout", () => finish(false));
    socket.on("error", () => finish(false));
  });
}
