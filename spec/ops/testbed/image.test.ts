import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { image, imageArchive, layer, sha256 } from "../../../ops/testbed/image.ts";
import { tar } from "../../../ops/testbed/tar.ts";

const hello = layer([{ kind: "file", path: "hello", content: Buffer.from("hello\n"), mode: 0o644 }]);
const options = { name: "test/hello", tag: "1", architecture: "amd64", layers: [hello], command: ["cat", "/hello"] };

describe("images made without an engine", () => {
  test("an archive unpacks with the machine's tar: content, modes and links as given", () => {
    const directory = mkdtempSync(join(tmpdir(), "odysseus-tar-"));
    try {
      const archive = tar([
        { kind: "directory", path: "bin/", mode: 0o755 },
        { kind: "file", path: "bin/run", content: Buffer.from("x".repeat(1_000)), mode: 0o755 },
        { kind: "symlink", path: "bin/link", target: "run" },
      ]);
      writeFileSync(join(directory, "a.tar"), archive);
      execFileSync("tar", ["-C", directory, "-xf", join(directory, "a.tar")]);
      expect(readFileSync(join(directory, "bin/link"), "utf8")).toBe("x".repeat(1_000));
      expect(statSync(join(directory, "bin/run")).mode & 0o777).toBe(0o755);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("the same input gives the same bytes, other content another image", () => {
    const first = image(options);
    expect(sha256(image(options).config)).toBe(sha256(first.config));
    expect(imageArchive([first]).equals(imageArchive([image(options)]))).toBe(true);
    expect(sha256(image({ ...options, env: { VERSION: "2" } }).config)).not.toBe(sha256(first.config));
  });

  test("an archive of images with a common layer stores it once", () => {
    const two = imageArchive([image(options), image({ ...options, tag: "2", command: ["true"] })]);
    expect(two.toString("latin1").split(`${hello.diffId.slice("sha256:".length)}.tar\0`).length - 1).toBe(1);
  });

  test("a path that the archive format cannot hold is refused, not cut short", () => {
    expect(() => tar([{ kind: "directory", path: `${"d".repeat(100)}/`, mode: 0o755 }])).toThrow(/path too long/);
  });
});
