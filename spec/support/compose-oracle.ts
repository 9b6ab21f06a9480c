import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { CommandFailed, run } from "../../ops/testbed/command.ts";
import { withLock } from "../../ops/testbed/lock.ts";
import { cacheDirectory } from "../../ops/testbed/prepare.ts";

const BUILD_TIMEOUT_MS = 5 * 60_000;
const sources = join(import.meta.dirname, "compose-oracle");

/** Where the program is, or one sentence why there is none. */
type OracleProgram = { readonly kind: "ready"; readonly program: string } | { readonly kind: "unavailable"; readonly reason: string };

/** Builds it once on a machine, with the Compose Specification's own library from the Go module proxy. Never throws. */
export async function composeOracleProgram(): Promise<OracleProgram> {
  const version = createHash("sha256");
  for (const file of ["main.go", "go.mod", "go.sum"]) version.update(readFileSync(join(sources, file)));
  const cache = cacheDirectory();
  const program = join(cache, `compose-oracle-${version.digest("hex").slice(0, 16)}`);
  if (existsSync(program)) return { kind: "ready", program };
  // Debian's package puts the newest it has beside the others, and not always on PATH.
  const path = [process.env["PATH"] ?? "", "/usr/local/go/bin", "/usr/lib/go/bin"].join(delimiter);
  try {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    await withLock(join(cache, "compose-oracle.lock"), BUILD_TIMEOUT_MS, async () => {
      if (!existsSync(program))
        await run("go", ["-C", sources, "build", "-o", program, "."], { env: { ...process.env, PATH: path }, timeoutMs: BUILD_TIMEOUT_MS });
    });
    return { kind: "ready", program };
  } catch (error) {
    const why = error instanceof CommandFailed ? error.lastLine : error instanceof Error ? error.message : String(error);
    return { kind: "unavailable", reason: `needs the Compose Specification's own library, built by Go 1.24 or newer (${why})` };
  }
}

export interface OracleQuestion {
  /** Of the project. */
  readonly directory: string;
  /** In this folder, or by their whole path; later ones over earlier ones. */
  readonly files: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  /** Names that refer to nothing, such as volumes that nobody defined, are let through. */
  readonly isUnchecked?: boolean;
}

export type OracleAnswer = { readonly model: Readonly<Record<string, unknown>> } | { readonly error: string };

/** The library as a process that answers one question after the other. */
export class ComposeOracle {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;

  private constructor(program: string) {
    this.#child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface(this.#child.stdout);
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  static async start(): Promise<ComposeOracle> {
    const built = await composeOracleProgram();
    if (built.kind === "unavailable") throw new Error(built.reason);
    return new ComposeOracle(built.program);
  }

  /** What the library itself takes for the shape of a Compose file. */
  async schema(): Promise<unknown> {
    const answer = await this.#answer({ schema: true });
    if ("error" in answer) throw new Error(answer.error);
    return answer.model;
  }

  async ask({ directory, files, environment = {}, profiles = [], isUnchecked = false }: OracleQuestion): Promise<OracleAnswer> {
    const question = {
      directory,
      files: files.map((file) => join(directory, file)),
      environment: Object.entries(environment).map((pair) => pair.join("=")),
      profiles,
      unchecked: isUnchecked,
    };
    return this.#answer(question);
  }

  async #answer(question: Readonly<Record<string, unknown>>): Promise<OracleAnswer> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error("The oracle has ended.");
    return JSON.parse(value) as OracleAnswer;
  }

  stop(): void {
    this.#lines.close();
    this.#child.kill();
  }
}
