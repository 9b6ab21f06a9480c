import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { image, type Image, layer, type Layer } from "./image.ts";
import type { TarEntry } from "./tar.ts";

/** Debian's names of processors are not those of container images; Node's are a third set. */
const ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;
/** A platform that no machine of ours has. */
const FOREIGN_ARCHITECTURE = "s390x";

/** Process 1 of a container ignores SIGTERM unless it says otherwise; without this each stop would take the whole grace period. */
const UNTIL_TERM = `#!/bin/sh
"$@" &
child=$!
trap 'kill $child; exit 0' TERM INT
wait $child
`;
const ID = `#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n%s %s\\n' "$(hostname)" "$VERSION"
`;
/** One connection, on standard input and output; the file /tmp/sick turns the health check bad. */
const ANSWER = `#!/bin/sh
cr=$(printf '\\r')
read -r method path rest
while read -r header && [ "$header" != "$cr" ]; do :; done
status='200 OK' body="$(hostname) $VERSION"
if [ "$path" = /healthz ]; then
  body=ok
  if [ -e /tmp/sick ]; then status='500 Internal Server Error' body=sick; fi
fi
printf 'HTTP/1.1 %s\\r\\nContent-Type: text/plain\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n%s\\n' "$status" $((\${#body} + 1)) "$body"
`;
const CRASH = `#!/bin/sh
echo starting
sleep 1
echo 'fatal: told to crash' >&2
exit 3
`;

export interface TestImages {
  /** httpd on 8080: `/` and `/cgi-bin/id` (host name and $VERSION) and `/healthz`; stops at once on SIGTERM. */
  readonly bb1: Image;
  /** The same with other content and VERSION=2. */
  readonly bb2: Image;
  /** Exits with code 3 after 1 s, its last word on standard error. */
  readonly crash: Image;
  /** Answers on 8080 like bb; `/healthz` turns 500 while the file /tmp/sick exists. */
  readonly sick: Image;
  /** Only for a platform that no node has. */
  readonly alien: Image;
}

/** Makes the images that tests run, from the static busybox of the nodes' own root file system. */
export async function testImages(rootfs: string): Promise<TestImages> {
  const busybox = join(rootfs, "usr/bin/busybox");
  const applets = (await run(busybox, ["--list"])).trim().split("\n");
  const base = baseLayer(readFileSync(busybox), applets);
  const httpd = ["until-term", "httpd", "-f", "-p", "8080", "-h", "/www"];
  const common = { tag: "1", architecture: ARCHITECTURE, layers: [base], env: { VERSION: "1" }, exposedPorts: [8080] };
  const bb = (version: string): Image =>
    image({
      ...common,
      name: "odysseus-test/bb",
      tag: version,
      layers: [base, layer([file("www/index.html", `hello from version ${version}\n`)])],
      command: httpd,
      env: { VERSION: version },
    });
  return {
    bb1: bb("1"),
    bb2: bb("2"),
    crash: image({ ...common, name: "odysseus-test/crash", command: ["crash"], exposedPorts: [] }),
    sick: image({ ...common, name: "odysseus-test/sick", command: ["until-term", "nc", "-ll", "-p", "8080", "-e", "/bin/answer"] }),
    alien: image({ ...common, name: "odysseus-test/alien", architecture: FOREIGN_ARCHITECTURE, command: httpd }),
  };
}

function baseLayer(busybox: Buffer, applets: readonly string[]): Layer {
  const directory = (path: string, mode = 0o755): TarEntry => ({ kind: "directory", path: `${path}/`, mode });
  const link = (applet: string): TarEntry => ({ kind: "symlink", path: `bin/${applet}`, target: "busybox" });
  return layer([
    ...["bin", "dev", "etc", "proc", "sys", "var", "var/run", "www", "www/cgi-bin"].map((path) => directory(path)),
    directory("tmp", 0o1777),
    { kind: "file", path: "bin/busybox", content: busybox, mode: 0o755 },
    ...applets.filter((applet) => applet !== "busybox").map(link),
    file("etc/passwd", "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    file("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    file("www/healthz", "ok\n"),
    file("www/cgi-bin/id", ID, 0o755),
    file("bin/until-term", UNTIL_TERM, 0o755),
    file("bin/answer", ANSWER, 0o755),
    file("bin/crash", CRASH, 0o755),
  ]);
}

const file = (path: string, content: string, mode = 0o644): TarEntry => ({ kind: "file", path, content: Buffer.from(content), mode });
