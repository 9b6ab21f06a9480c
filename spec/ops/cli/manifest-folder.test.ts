import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readProject } from "../../../actors/manifest/read-compose.ts";
import { folderFiles } from "../../../ops/cli/manifest-folder.ts";
import { type ManifestChoice, openProject } from "../../../ops/cli/manifest-project.ts";

let outside = "";
let folder = "";
const said: ManifestChoice = { files: [], profiles: [], envFiles: [], directory: undefined, name: undefined };

beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), "odysseus-manifest-"));
  folder = join(outside, "shop");
  mkdirSync(folder);
  writeFileSync(join(outside, "secret.env"), "KEY=secret\n");
  symlinkSync(join(outside, "secret.env"), join(folder, "link.env"));
  symlinkSync(outside, join(folder, "up"));
  writeFileSync(join(folder, "real.env"), "KEY=value\n");
  symlinkSync("real.env", join(folder, "near.env"));
  mkdirSync(join(folder, "empty"));
});
afterAll(() => rmSync(outside, { recursive: true }));

describe("files that a manifest names", () => {
  test("are read in the project's folder, through links that stay in it", () => {
    expect(folderFiles(folder).read("real.env")).toMatchObject({ kind: "text", text: "KEY=value\n" });
    expect(folderFiles(folder).read("near.env")).toMatchObject({ kind: "text", text: "KEY=value\n" });
    expect(folderFiles(folder).read("none.env")).toEqual({ kind: "absent" });
    expect(folderFiles(folder).read("real.env/x")).toEqual({ kind: "absent" });
    expect(folderFiles(folder).read("empty")).toEqual({ kind: "folder", names: [] });
    expect(folderFiles(folder).read(".")).toMatchObject({ kind: "folder", names: expect.arrayContaining(["real.env", "empty"]) });
  });

  test("are told apart by whether they are programs", () => {
    writeFileSync(join(folder, "start.sh"), "#!/bin/sh\n", { mode: 0o755 });
    expect(folderFiles(folder).read("start.sh")).toMatchObject({ kind: "text", isExecutable: true });
    expect(folderFiles(folder).read("real.env")).toMatchObject({ kind: "text", isExecutable: false });
  });

  test.each(["link.env", "up/secret.env", "../secret.env"])("are not read outside of it, as %s is", (path) => {
    expect(folderFiles(folder).read(path)).toEqual({ kind: "refused", reason: expect.stringMatching(/leads out of the project's folder/) });
  });
});

describe("a project", () => {
  test("is the folder's compose.yaml with its override and its .env, where nothing is named", async () => {
    writeFileSync(join(folder, "compose.yaml"), "services: {web: {image: 'shop:${TAG}', env_file: real.env}}");
    writeFileSync(join(folder, "compose.override.yml"), "services: {web: {environment: {MODE: '${MODE}', P: $COMPOSE_PROJECT_NAME}}}");
    writeFileSync(join(folder, ".env"), "TAG=7\nMODE=file\n");
    const project = await openProject({ ...said, directory: folder }, { MODE: "shell" });
    expect(readProject(project)).toEqual({
      name: "shop",
      services: [{ name: "web", spec: { image: "shop:7", environment: { KEY: "value", MODE: "shell", P: "shop" } }, after: [] }],
      findings: [],
    });
  });

  test("may be named by COMPOSE_FILE, and use other variables than .env", async () => {
    writeFileSync(join(folder, "a.yaml"), "services: {web: {image: 'shop:${TAG}'}}");
    writeFileSync(join(outside, "prod.env"), "TAG=9\n");
    const choice = { ...said, envFiles: [join(outside, "prod.env")] };
    const { services } = readProject(await openProject(choice, { COMPOSE_FILE: join(folder, "a.yaml") }));
    expect(services).toEqual([{ name: "web", spec: { image: "shop:9" }, after: [] }]);
  });

  test("says where it looked when there is none", async () => {
    await expect(openProject({ ...said, directory: join(folder, "empty") }, {})).rejects.toThrow(
      /There is no compose\.yaml, .* in .*empty/,
    );
    await expect(openProject({ ...said, files: [join(folder, "nope.yaml")] }, {})).rejects.toThrow(/There is no file .*nope\.yaml/);
  });
});
