import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { StartFailure } from "../../../ops/control-plane/failure.ts";
import { readNodeSettings } from "../../../ops/control-plane/node-settings.ts";

function fileWith(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "odysseus-node-settings-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "node.json");
  writeFileSync(path, text);
  return path;
}

test("nothing is allowed unless the owner of the machine says so", () => {
  const nothing = {
    privileged: false,
    bindPaths: [],
    devices: [],
    gpus: false,
    capabilities: [],
    volumes: [],
    networks: [],
    namespaces: [],
    securityOptions: [],
  };
  expect(readNodeSettings("/nowhere/node.json").allow).toEqual(nothing);
  expect(readNodeSettings(fileWith('{"allow": {"bindPaths": ["/srv/media"]}}')).allow).toEqual({ ...nothing, bindPaths: ["/srv/media"] });
});

test.each([
  ["no JSON", "{", /node\.json is not JSON: correct it/],
  ["a word that nobody knows", '{"allow": {"bindPath": []}}', /node\.json is not understood: allow: .*bindPath/],
  ["a path with steps upwards", '{"allow": {"bindPaths": ["/srv/../etc"]}}', /allow\.bindPaths\.0: a path holds no \.\./],
])("a file with %s ends the start with one sentence", (_what, text, sentence) => {
  expect(() => readNodeSettings(fileWith(text))).toThrow(StartFailure);
  expect(() => readNodeSettings(fileWith(text))).toThrow(sentence);
});
