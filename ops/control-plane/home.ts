import { accessSync, chmodSync, constants, mkdirSync, statSync, writeFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { TenantFileError } from "../../storage/failure.ts";
import { lockTenant } from "../../storage/tenant-lock.ts";
import { exitCodes } from "../start/exit-codes.mjs";
import { StartFailure } from "./failure.ts";

const DIRECTORY_MODE = 0o700;

/** The state directory: one user's, one process's. */
export interface Home {
  readonly path: string;
  readonly tenants: string;
  readonly nats: string;
  readonly tools: string;
  readonly log: string;
  readonly credentials: string;
  /** Keys to what tenants keep sealed: without this file, a copy of their files gives nothing away, and cannot be opened. */
  readonly masterKeys: string;
  /** What the owner of this machine says about its node. */
  readonly nodeSettings: string;
  /** An agent's own directory. */
  agent(node: string): string;
  /** Where the CLI finds the control plane. Readable by its owner alone; replaced in one step. */
  writeProfile(profile: { readonly url: string; readonly token: string }): void;
  release(): void;
}

/** Makes the directory, checks that it is ours, and holds it until `release`. Throws `StartFailure`. */
export function openHome(path: string): Home {
  prepare(path);
  const lock = hold(path);
  const profile = join(path, "profile.json");
  return {
    path,
    tenants: join(path, "tenants"),
    nats: join(path, "nats"),
    tools: join(path, "tools"),
    log: join(path, "control-plane.log"),
    credentials: join(path, "credentials.json"),
    masterKeys: join(path, "master-keys.json"),
    nodeSettings: join(path, "node.json"),
    agent: (node) => join(path, "agents", node),
    writeProfile(value) {
      writeFileSync(`${profile}.new`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600, flush: true });
      renameSync(`${profile}.new`, profile);
    },
    release: () => lock.release(),
  };
}

function prepare(path: string): void {
  makeDirectory(path);
  const { uid, mode } = statSync(path);
  const user = process.getuid?.() ?? uid;
  if (uid !== user)
    throw new StartFailure(
      `${path} belongs to another user (${uid}): start as that user, or name another directory with --home.`,
      exitCodes.diskReadOnly,
    );
  if ((mode & 0o777) !== DIRECTORY_MODE) chmodSync(path, DIRECTORY_MODE);
  accessSync(path, constants.W_OK);
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "EEXIST" && code !== "ENOTDIR") throw error;
    throw new StartFailure(
      `${path} cannot be the state directory, since a file is in its place: name another directory with --home.`,
      exitCodes.usage,
      error,
    );
  }
}

function hold(path: string): { release(): void } {
  try {
    return lockTenant({ data: path, lock: join(path, "control-plane.lock"), holder: join(path, "control-plane.holder.json") });
  } catch (error) {
    if (!(error instanceof TenantFileError) || error.problem !== "in-use") throw error;
    throw new StartFailure(`${path} is in use: ${error.advice}, or name another directory with --home.`, exitCodes.homeInUse, error);
  }
}
