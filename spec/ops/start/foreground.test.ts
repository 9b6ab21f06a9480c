import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { withInstallLock } from "../../../ops/start/install-lock.mjs";

const modules = join(import.meta.dirname, "../../../ops/start");

function script(source: string): {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly ended: Promise<readonly unknown[]>;
} {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, lines, ended: once(child, "close") };
}

/** The program under the parent: says that it runs, counts the signals it gets, and ends a little after the first. */
const program = `
  let signals = 0;
  for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => {
    signals += 1;
    if (signals === 1) setTimeout(() => { console.log(name + " x " + signals); process.exit(7); }, 300);
  });
  setInterval(() => {}, 1000);
  console.log("running");
`;
const parent = `
  import { runInForeground } from ${JSON.stringify(join(modules, "child.mjs"))};
  process.exitCode = await runInForeground(process.execPath, ["--eval", ${JSON.stringify(program)}]);
`;

describe("the program that npm start runs in the foreground", () => {
  test("gets one signal when Ctrl-C arrives twice, from the terminal and from npm, and its code is ours", async () => {
    const { child, lines, ended } = script(parent);
    expect((await lines.next()).value).toBe("running");
    child.kill("SIGINT");
    child.kill("SIGINT");
    expect((await lines.next()).value).toBe("SIGINT x 1");
    expect(await ended).toEqual([7, null]);
  });

  test("gets the SIGTERM of a service manager", async () => {
    const { child, lines, ended } = script(parent);
    await lines.next();
    child.kill("SIGTERM");
    expect((await lines.next()).value).toBe("SIGTERM x 1");
    expect(await ended).toEqual([7, null]);
  });

  test("ends with 128 and the signal's number when a signal ended it", async () => {
    const { ended } = script(parent.replace('["--eval",', '["--eval", "process.kill(process.pid, \'SIGKILL\')"] || ["--eval",'));
    expect(await ended).toEqual([137, null]);
  });
});

describe("two installs of one checkout", () => {
  test("take turns, and the second is told that it waits", async () => {
    const order: string[] = [];
    const release = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    const first = withInstallLock(
      import.meta.dirname,
      () => undefined,
      async () => {
        holding.resolve();
        await release.promise;
        order.push("first");
      },
    );
    await holding.promise;
    const second = withInstallLock(import.meta.dirname, waiting.resolve, async () => void order.push("second"));
    await waiting.promise;
    release.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
  });

  test("an install that was killed does not stand in the way of the next", async () => {
    const { child, lines } = script(`
      import { withInstallLock } from ${JSON.stringify(join(modules, "install-lock.mjs"))};
      await withInstallLock(${JSON.stringify(modules)}, () => {}, async () => { console.log("held"); await new Promise(() => setInterval(() => {}, 1000)); });
    `);
    await lines.next();
    const waiting = Promise.withResolvers<void>();
    const next = withInstallLock(modules, waiting.resolve, async () => "done");
    await waiting.promise;
    child.kill("SIGKILL");
    expect(await next).toBe("done");
  });
});

test("npm start is Odysseus itself: no shell stands between, which would end without passing SIGTERM on", async () => {
  const manifest = JSON.parse(await readFile(join(import.meta.dirname, "../../../package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const probe =
    'process.on("SIGTERM", () => { console.log("asked to end"); process.exit(0); }); setInterval(() => {}, 1000); console.log("running");';
  const command = (manifest.scripts["start"] ?? "").replace("node ops/start/start.mjs", `'${process.execPath}' --eval '${probe}'`);
  const child = spawn("sh", ["-c", command], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("running");
  child.kill("SIGTERM");
  expect((await lines.next()).value).toBe("asked to end");
});
