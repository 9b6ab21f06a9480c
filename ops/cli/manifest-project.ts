import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { NamedText } from "../../actors/manifest/load-project.ts";
import { MAX_MANIFEST_BYTES } from "../../actors/manifest/parse-yaml.ts";
import type { Project } from "../../actors/manifest/read-compose.ts";
import { folderFiles } from "./manifest-folder.ts";
import { Stop, usage } from "./stop.ts";

/** Names a manifest has where the person gives none, the first that is there; and those that are laid over it. */
const DEFAULT_NAMES = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
const OVERRIDE_NAMES = ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"];

/** What the person said on the command line. */
export interface ManifestChoice {
  /** `-` is standard input. None: the folder's own. */
  readonly files: readonly string[];
  readonly profiles: readonly string[];
  /** In place of `.env` in the project's folder. */
  readonly envFiles: readonly string[];
  /** Absent: that of the first file. */
  readonly directory: string | undefined;
  /** `-p`: what the stack is called. */
  readonly name: string | undefined;
}

/** Reads what the person named; what the manifests name in turn is read within the project's folder alone. */
export async function openProject(choice: ManifestChoice, env: NodeJS.ProcessEnv): Promise<Project> {
  const named = choice.files.length > 0 ? choice.files : chosenByShell(env);
  const files = named.length > 0 ? named : defaultFiles(choice.directory ?? ".");
  const [first = "-"] = files;
  const folder = resolve(choice.directory ?? (first === "-" ? "." : dirname(first)));
  const manifests: NamedText[] = [];
  for (const file of files)
    manifests.push({ file: file === "-" ? "stdin" : file, text: file === "-" ? await readInput() : await readNamed(file) });
  const dotEnv = join(choice.directory ?? (first === "-" ? "" : dirname(first)), ".env");
  const envFiles = choice.envFiles.length > 0 ? choice.envFiles : existsSync(dotEnv) ? [dotEnv] : [];
  const variables: NamedText[] = [];
  for (const file of envFiles) variables.push({ file, text: await readNamed(file) });
  return {
    manifests,
    files: folderFiles(folder),
    envFiles: variables,
    environment: env,
    profiles: choice.profiles,
    folderName: basename(folder),
    ...(choice.name !== undefined && { name: choice.name }),
  };
}

/** `COMPOSE_FILE` names files as `-f` does. */
function chosenByShell(env: NodeJS.ProcessEnv): readonly string[] {
  const separator = env["COMPOSE_PATH_SEPARATOR"] ?? ":";
  return (env["COMPOSE_FILE"] ?? "").split(separator).filter((file) => file !== "");
}

function defaultFiles(folder: string): readonly string[] {
  const present = (names: readonly string[]): string | undefined =>
    names.map((name) => join(folder, name)).find((path) => existsSync(path));
  const main = present(DEFAULT_NAMES);
  if (main === undefined)
    throw usage(`There is no ${DEFAULT_NAMES.join(", ")} in ${resolve(folder)}.`, "Name the manifest: odysseus plan -f FILE.");
  const over = present(OVERRIDE_NAMES);
  return over === undefined ? [main] : [main, over];
}

async function readNamed(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw usage(`There is no file ${file}.`);
    if (code === "EISDIR") throw usage(`${file} is a folder: name the manifest in it.`);
    throw new Stop("usage", `${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
  }
}

async function readInput(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > MAX_MANIFEST_BYTES) break;
  }
  return text;
}
