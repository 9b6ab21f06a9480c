import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { natsProgram } from "../../support/nats-program.ts";

export interface TestNats {
  readonly url: string;
  readonly port: number;
  /** Without a word to its clients. */
  kill(): Promise<void>;
}

/** A nats-server of the test's own on a loopback port; `port` 0 lets it choose. */
export async function startTestNats(port = 0): Promise<TestNats> {
  const folder = mkdtempSync(join(tmpdir(), "odysseus-nats-"));
  const child = spawn(await natsProgram(), ["-a", "127.0.0.1", "-p", port === 0 ? "-1" : String(port), "--ports_file_dir", folder], {
    stdio: "ignore",
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = await readUrl(folder);
  return {
    url,
    port: Number(new URL(url).port),
    kill: async () => {
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function readUrl(folder: string): Promise<string> {
  for (;;) {
    const [file] = readdirSync(folder).filter((name) => name.endsWith(".ports"));
    const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8");
    if (text !== "") {
      const url = (JSON.parse(text) as { readonly nats: readonly string[] }).nats[0];
      if (url !== undefined) return url;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}
