import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { missingPackages } from "../../../ops/start/dependencies.mjs";
import { missingOptional } from "../../../ops/start/optional-binaries.mjs";

const otherArch = process.arch === "x64" ? "arm64" : "x64";
const locked = {
  "": {},
  "node_modules/server": { version: "1.0.0", integrity: "sha512-a" },
  "node_modules/tool": { version: "2.0.0", integrity: "sha512-b", dev: true },
  "node_modules/own-binary": { version: "3.0.0", optional: true, os: ["linux"], cpu: process.arch },
  "node_modules/other-binary": { version: "3.0.0", optional: true, os: ["linux"], cpu: [otherArch] },
  "node_modules/other-child": { version: "3.0.0", optional: true },
};

/** A checkout with that lockfile, in which npm says that it installed these. */
function checkout(installed: Readonly<Record<string, object>> | undefined): string {
  const root = mkdtempSync(join(tmpdir(), "odysseus-checkout-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: locked }));
  for (const folder of Object.keys(installed ?? {})) {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, "package.json"), "{}");
  }
  if (installed !== undefined) writeFileSync(join(root, "node_modules/.package-lock.json"), JSON.stringify({ packages: installed }));
  return root;
}

const { "node_modules/server": server, "node_modules/tool": tool, "node_modules/own-binary": ownBinary } = locked;
const complete = { "node_modules/server": server, "node_modules/own-binary": ownBinary };

describe("whether the dependencies are installed", () => {
  test("nothing is missing when what this machine needs is there; binaries for others do not count", () => {
    expect(missingPackages(checkout(complete), "run")).toEqual([]);
  });

  test("the tools of npm test are missing after an install that was for npm start alone", () => {
    expect(missingPackages(checkout(complete), "develop")).toEqual(["node_modules/tool"]);
    expect(missingPackages(checkout({ ...complete, "node_modules/tool": tool }), "develop")).toEqual([]);
  });

  test("everything is missing after an install that was interrupted", () => {
    expect(missingPackages(checkout(undefined), "run")).toEqual(["node_modules/server", "node_modules/own-binary"]);
  });

  test("a package is missing when the lockfile has moved on, and when its folder is gone", () => {
    expect(missingPackages(checkout({ ...complete, "node_modules/server": { ...server, version: "0.9.0" } }), "run")).toEqual([
      "node_modules/server",
    ]);
    const root = checkout(complete);
    rmSync(join(root, "node_modules/own-binary"), { recursive: true });
    expect(missingPackages(root, "run")).toEqual(["node_modules/own-binary"]);
  });
});

describe("a lockfile made beside a registry for Linux alone", () => {
  test("gets the binaries for other platforms that a tool names, as npm ci demands", () => {
    const packages = {
      "": {},
      "node_modules/tool": {
        version: "1.0.0",
        dev: true,
        optionalDependencies: { "@tool/linux-x64-musl": "1.0.0", "@tool/darwin-arm64": "1.0.0" },
      },
      "node_modules/@tool/linux-x64-musl": { version: "1.0.0" },
    };
    expect(missingOptional(packages)).toEqual([
      { folder: "node_modules/@tool/darwin-arm64", entry: { version: "1.0.0", dev: true, optional: true, os: ["darwin"], cpu: ["arm64"] } },
    ]);
  });

  test("the project's own lockfile lacks none", async () => {
    const { default: lock } = await import("../../../package-lock.json", { with: { type: "json" } });
    expect(missingOptional(lock.packages)).toEqual([]);
  });
});
