import { describe, expect, test } from "vitest";
import { DeploymentSpec } from "../../../actors/deployment/contract.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";

const BINARY = Uint8Array.from([0, 255, 10, 13]);
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const TOP = `
configs:
  inline: {content: "listen \${PORT}"}
  fromfile: {file: ./conf/app.conf}
  stored: {external: true, name: everyones}
secrets:
  password: {environment: DB_PASSWORD}
  key: {file: key.bin, name: signing-key}
`;

function read(fields: string, top = TOP): ReturnType<typeof readProject> {
  const text = `services:\n  web:\n    image: nginx:1\n${fields.replaceAll(/^/gm, "    ")}\n${top}`;
  const files = {
    read: (path: string) => {
      if (path === "conf/app.conf") return { kind: "text", text: "a=1\n" } as const;
      if (path === "key.bin") return { kind: "text", text: "?", bytes: BINARY } as const;
      return path === "big" ? ({ kind: "text", text: "x".repeat(600_000) } as const) : ({ kind: "absent" } as const);
    },
  };
  return readProject({
    manifests: [{ file: "compose.yaml", text }],
    files,
    name: "shop",
    environment: { PORT: "80", DB_PASSWORD: "s3cret" },
  });
}

const messagesOf = (fields: string, top?: string): readonly string[] =>
  read(fields, top).findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);

describe("configs and secrets of a service", () => {
  test("come with their content, under names within the project, where Compose puts them", () => {
    const { services, findings } = read("configs: [inline, fromfile, stored]\nsecrets: [password, key]");
    expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(DeploymentSpec.safeParse(services[0]?.spec).error?.issues).toBeUndefined();
    expect(services[0]?.spec.files).toEqual([
      { kind: "config", name: "shop_inline", target: "/inline", value: base64("listen 80") },
      { kind: "config", name: "shop_fromfile", target: "/fromfile", value: base64("a=1\n") },
      { kind: "config", name: "everyones", target: "/stored" },
      { kind: "secret", name: "shop_password", target: "/run/secrets/password", value: base64("s3cret") },
      { kind: "secret", name: "signing-key", target: "/run/secrets/key", value: Buffer.from(BINARY).toString("base64") },
    ]);
  });

  test("in the long form, for whom and how they may be read", () => {
    const files = read(`
configs:
  - {source: inline, target: /etc/app.conf, uid: "101", gid: "102", mode: 0440}
secrets:
  - {source: password, target: db, mode: "0400"}
  - {source: key, mode: 292}`).services[0]?.spec.files;
    expect(files).toMatchObject([
      { target: "/etc/app.conf", uid: 101, gid: 102, mode: 0o440 },
      { target: "/run/secrets/db", mode: 0o400 },
      { target: "/run/secrets/key", mode: 0o444 },
    ]);
  });

  test.each([
    ["configs: [missing]", /^error services\.web\.configs\[0\]: There is no config "missing" under configs/],
    ["secrets: [{target: x}]", /^error .*does not say which secret/],
    ["configs: [{source: inline, mode: rw}]", /^error .*not a mode of a file/],
    ["configs: [{source: inline, uid: www}]", /^error .*not a whole number/],
    ["configs: [inline, {source: fromfile, target: /inline}]", /^error .*There is a file at \/inline already/],
  ])("%s", (fields, expected) => {
    expect(messagesOf(fields)).toContainEqual(expect.stringMatching(expected));
  });

  test.each([
    ["secrets: {s: {environment: NOWHERE}}", /^error secrets\.s\.environment: NOWHERE must be set/],
    ["secrets: {s: {file: nowhere}}", /^error secrets\.s\.file: There is no file nowhere/],
    ["secrets: {s: {file: ../up}}", /^error .*outside the project's folder/],
    ["secrets: {s: {file: big}}", /^error .*has 600000 bytes; the most are 512000/],
    ["secrets: {s: {}}", /^error .*It has no content/],
    ["secrets: {s: {file: key.bin, environment: PORT}}", /^error .*more than one content/],
    ["secrets: {s: {file: key.bin, driver: vault}}", /^error secrets\.s\.driver: .*the store that is built in/],
  ])("%s", (top, expected) => {
    expect(messagesOf("secrets: [s]", top)).toContainEqual(expect.stringMatching(expected));
  });

  test("a content that no service uses is not even read", () => {
    expect(messagesOf("user: a", "secrets: {s: {file: nowhere}}")).toEqual([]);
  });
});
