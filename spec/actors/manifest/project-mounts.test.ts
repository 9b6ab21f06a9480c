import { describe, expect, test } from "vitest";
import type { FileRead } from "../../../actors/manifest/project-files.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";

const there: Readonly<Record<string, FileRead>> = {
  "nginx.conf": { kind: "text", text: "listen 80;" },
  "nginx/app.conf": { kind: "text", text: "listen 81;" },
  "start.sh": { kind: "text", text: "#!/bin/sh\n", isExecutable: true },
  "conf.d": { kind: "folder", names: ["b.conf", "a.conf", "sites"] },
  "conf.d/a.conf": { kind: "text", text: "a", bytes: Uint8Array.of(0, 255) },
  "conf.d/b.conf": { kind: "text", text: "b", isExecutable: true },
  "conf.d/sites": { kind: "folder", names: ["empty", "shop"] },
  "conf.d/sites/empty": { kind: "folder", names: [] },
  "conf.d/sites/shop": { kind: "text", text: "shop" },
  ".": { kind: "folder", names: ["compose.yaml"] },
  hollow: { kind: "folder", names: ["within"] },
  "hollow/within": { kind: "folder", names: [] },
  dangling: { kind: "folder", names: ["gone"] },
  stuffed: { kind: "folder", names: ["big"] },
  "stuffed/big": { kind: "text", text: "x".repeat(340_001) },
  linked: { kind: "folder", names: ["out"] },
  "linked/out": { kind: "refused", reason: "linked/out leads out of the project's folder, to /etc, and is not read." },
  src: { kind: "folder", names: ["main.ts"] },
  fresh: { kind: "folder", names: [] },
  big: { kind: "text", text: "x".repeat(512_001) },
};

function read(mounts: string, more = ""): ReturnType<typeof readProject> {
  const text = `services:\n  web:\n    image: nginx:1\n    volumes: ${mounts}\n${more}`;
  const files = {
    read: (path: string): FileRead =>
      there[path] ?? (/^circle(\/circle)*$/.test(path) ? { kind: "folder", names: ["circle"] } : { kind: "absent" }),
  };
  return readProject({ manifests: [{ file: "compose.yaml", text }], name: "shop", files });
}

const specOf = (mounts: string, more?: string): unknown => {
  const { services } = read(mounts, more);
  return { mounts: services[0]?.spec.mounts, files: services[0]?.spec.files };
};
const messagesOf = (mounts: string, more?: string): readonly string[] =>
  read(mounts, more).findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("a mount of what lies beside the manifest", () => {
  test("is one of the container's files where it is a file, read when the manifest is", () => {
    expect(specOf('["./nginx.conf:/etc/nginx/nginx.conf:ro", "nginx/app.conf:/etc/nginx/conf.d/app.conf:ro"]')).toEqual({
      mounts: undefined,
      files: [
        { kind: "config", name: "shop_nginx.conf", target: "/etc/nginx/nginx.conf", value: base64("listen 80;") },
        { kind: "config", name: "shop_nginx-app.conf", target: "/etc/nginx/conf.d/app.conf", value: base64("listen 81;") },
      ],
    });
    expect(messagesOf('["./nginx.conf:/etc/nginx/nginx.conf:ro"]')).toEqual([]);
  });

  test("is a read-only folder of the container where it is a folder with files that is only read, with all that is in it", () => {
    const files = [
      { path: "a.conf", value: Buffer.from([0, 255]).toString("base64"), isProgram: false },
      { path: "b.conf", value: base64("b"), isProgram: true },
      { path: "sites/shop", value: base64("shop"), isProgram: false },
    ];
    const whole = { kind: "folder", name: "shop_conf.d", target: "/etc/nginx/conf.d", value: base64(JSON.stringify({ files })) };
    expect(specOf('["./conf.d/:/etc/nginx/conf.d:ro"]')).toEqual({ mounts: undefined, files: [whole] });
    expect(specOf("[{type: bind, source: ./conf.d, target: /etc/nginx/conf.d, read_only: true}]")).toEqual({
      mounts: undefined,
      files: [whole],
    });
    expect(messagesOf('["./conf.d:/etc/nginx/conf.d:ro"]')).toEqual([]);
  });

  test("is said not to have what is written to a folder in it, which is a volume, in whatever order they are named", () => {
    const [outer, inner] = ['"./conf.d:/etc/x:ro"', '"./conf.d/new:/new"'];
    for (const mounts of [`[${outer}, ${inner}]`, `[${inner}, ${outer}]`])
      expect(messagesOf(mounts)).toContainEqual(
        expect.stringMatching(/^warning .*What is written to conf\.d\/new is not seen in conf\.d, which is read/),
      );
  });

  test("is said to be read-only where the container might want to write to it", () => {
    expect(messagesOf('["./nginx.conf:/etc/nginx/nginx.conf"]')).toEqual([
      expect.stringMatching(/^warning services\.web\.volumes\[0\]: \.\/nginx\.conf is read when .* cannot write to it/),
    ]);
  });

  test("stays a program where it is one", () => {
    expect(specOf("[{type: bind, source: ./start.sh, target: /start.sh, read_only: true}]")).toMatchObject({
      files: [{ target: "/start.sh", mode: 0o555 }],
    });
  });

  test("is a volume where there is nothing, or an empty folder, which Compose would fill with data", () => {
    expect(specOf('["./data:/data", "./fresh/:/fresh", "./certs:/certs:ro", "./hollow:/hollow:ro"]')).toEqual({
      mounts: [
        { kind: "volume", name: "shop_data", target: "/data" },
        { kind: "volume", name: "shop_fresh", target: "/fresh" },
        { kind: "volume", name: "shop_certs", target: "/certs", readOnly: true },
        { kind: "volume", name: "shop_hollow", target: "/hollow", readOnly: true },
      ],
      files: undefined,
    });
    expect(messagesOf('["./data:/data"]')).toEqual([
      expect.stringMatching(/^warning .*There is no \.\/data beside the manifest: .* the volume shop_data is made/),
    ]);
  });

  test("is the same volume to all services that name the folder, and to the file that is written as the warning says", () => {
    const both = read('["./data:/a"]', '  db:\n    image: db:1\n    volumes: ["./data/:/b"]\n');
    expect(both.services.flatMap(({ spec }) => spec.mounts)).toEqual([
      { kind: "volume", name: "shop_data", target: "/a" },
      { kind: "volume", name: "shop_data", target: "/b" },
    ]);
    expect(both.findings.filter(({ message }) => message.includes("shop_data"))).toHaveLength(1);
    expect(specOf('["data:/a"]', "volumes: {data: }")).toEqual(specOf('["./data:/a"]'));
  });

  test("is left out where it is a folder in another one, at the place where that shows it anyway", () => {
    for (const mounts of [
      '"./conf/live:/etc/x/live", "./conf:/etc/x"',
      '"./conf/:/etc/x/", {type: bind, source: conf/live/, target: /etc/x/live/}',
    ]) {
      expect(specOf(`[${mounts}]`)).toEqual({ mounts: [{ kind: "volume", name: "shop_conf", target: "/etc/x" }], files: undefined });
      expect(messagesOf(`[${mounts}]`)).toContainEqual(
        expect.stringMatching(/^warning .*It is in (\.\/)?conf\/?, which is mounted around it/),
      );
    }
    expect(specOf('["./conf.d:/etc/x:ro", "./conf.d/a.conf:/etc/x/a.conf:ro"]')).toMatchObject({ files: [{ kind: "folder" }] });
  });

  test.each([
    [
      '["./conf:/etc/x", "data:/etc/x/live", "./conf/live/now:/etc/x/live/now"]',
      /^error .*Of conf\/live\/now and conf, one is in the other/,
    ],
    ['["./conf:/etc/x", "./conf/live:/etc/x/live:ro"]', /^error .*Of conf\/live and conf, one is in the other.*/],
    ['["./src:/app"]', /^error .*\.\/src is a folder with files of this machine, and what a container writes to it/],
    ['[".:/app"]', /^error .*\. is a folder with files of this machine/],
    ['["./dangling:/app:ro"]', /^error .*dangling\/gone is a link that leads nowhere/],
    ['["./stuffed:/app:ro"]', /^error .*The folder stuffed is more than is read .* 200 files and folders of together 340000 bytes/],
    ['["./circle:/app:ro"]', /^error .*The folder circle is more than is read/],
    ['["./linked:/app:ro"]', /^error .*linked\/out leads out of the project's folder/],
    ['["./missing.conf:/etc/x.conf"]', /^error .*There is no \.\/missing\.conf beside the manifest/],
    ["[{type: bind, source: ./none, target: /x, bind: {create_host_path: false}}]", /^error .*There is no \.\/none beside/],
    ['["../up:/x"]', /^error .*\.\.\/up is outside the project's folder/],
    ['["~/home:/x"]', /^error .*~\/home is outside the project's folder/],
    ['["./nginx.conf:/x:ro,sideways"]', /^error .*"sideways" is not an option of this mount/],
    ['["./data:/x:sideways"]', /^error .*"sideways" is not an option of this mount/],
    ['["./big:/x"]', /^error .*It has 512001 bytes; the most are 512000/],
    ['["./a:/a", "./a/b:/b"]', /^error .*Of a\/b and a, one is in the other/],
    ['["./a:/a", "a:/b"]', /^error .*volumes\[1\]: a becomes the volume a, and there is another volume of this name/],
    ['["a:/a", "./a:/b"]', /^error .*\.\/a becomes the volume a, and there is another volume of this name/],
  ])("%s is refused", (mounts, expected) => {
    expect(messagesOf(mounts)).toContainEqual(expect.stringMatching(expected));
  });

  test("a folder may be called as a file is, where the slash at its end says so", () => {
    expect(specOf('["./init.d:/etc/conf.d", "./site.example/:/www"]')).toMatchObject({
      mounts: [{ name: "shop_init.d" }, { name: "shop_site.example" }],
    });
  });
});

describe("a mount of Dokploy's own folder of files", () => {
  test("is a volume where a folder is meant, without a look at what is outside the project, and else a file that is missing", () => {
    expect(specOf('["../files/app-data:/data"]')).toEqual({
      mounts: [{ kind: "volume", name: "shop_files-app-data", target: "/data" }],
      files: undefined,
    });
    expect(messagesOf('["../files/nginx.conf:/etc/nginx.conf"]')).toEqual([
      expect.stringMatching(/^error .*There is no \.\.\/files\/nginx\.conf beside the manifest/),
    ]);
  });
});

describe("the content of a file beside its mount, as Coolify has it", () => {
  test("is the file, with what looks like variables in it left as it is", () => {
    const mount = "{type: bind, source: ./app.conf, target: /etc/app.conf, content: 'host ${[a-z]}$host', mode: '0755'}";
    expect(specOf(`[${mount}]`)).toEqual({
      mounts: undefined,
      files: [{ kind: "config", name: "shop_app.conf", target: "/etc/app.conf", mode: 0o755, value: base64("host ${[a-z]}$host") }],
    });
    expect(messagesOf(`[${mount}]`)).toEqual([
      expect.stringMatching(/^warning services\.web\.volumes\[0\]\.content: content beside a mount is a field of Coolify/),
      expect.stringMatching(/^warning services\.web\.volumes\[0\]\.mode: mode beside a mount is a field of Coolify/),
    ]);
  });
});
