import { describe, expect, test } from "vitest";
import { translateDockerText } from "../../../agent/engine/docker-errors.ts";

const context = { doing: "starting web", reference: "shop/web:1", socketPath: "/run/docker.sock" };

/** Sentences of real engines, registries, kernels and runtimes. */
const sentences: readonly (readonly [code: string, sentence: string])[] = [
  ["image.not-found", "No such image: shop/web:1"],
  ["image.not-found", "manifest for shop/web:1 not found: manifest unknown: manifest unknown"],
  ["image.not-found", "manifest unknown: manifest unknown"],
  ["image.not-found", "name unknown: repository name not known to registry"],
  [
    "image.access-denied",
    "pull access denied for shop/web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
  ],
  ["image.access-denied", "errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n"],
  ["image.access-denied", 'Head "https://registry.example/v2/web/manifests/1": no basic auth credentials'],
  ["image.registry-unavailable", 'Get "http://127.0.0.1:5999/v2/": dial tcp 127.0.0.1:5999: connect: connection refused'],
  [
    "image.registry-unavailable",
    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.77.0.254:53: read udp 10.77.0.11:49900->10.77.0.254:53: read: connection refused',
  ],
  ["image.registry-unavailable", 'Get "https://nosuch.invalid/v2/": dial tcp: lookup nosuch.invalid on 127.0.0.53:53: no such host'],
  [
    "image.registry-unavailable",
    'Get "https://registry.example/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
  ],
  [
    "image.registry-unavailable",
    'Get "https://registry.example/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
  ],
  ["image.registry-unavailable", 'Get "https://registry.example:5000/v2/": http: server gave HTTP response to HTTPS client'],
  ["image.registry-unavailable", "toomanyrequests: You have reached your pull rate limit."],
  ["image.platform-mismatch", "no matching manifest for linux/amd64 in the manifest list entries"],
  [
    "image.platform-mismatch",
    "image with reference shop/web:1 was found but does not match the specified platform: wanted linux/amd64, actual: linux/arm64",
  ],
  ["disk.full", "write /var/lib/docker/tmp/GetImageBlob123: no space left on device"],
  ["disk.full", "failed to register layer: Error processing tar file(exit status 1): write /bin/busybox: no space left on device"],
  [
    "command.not-found",
    'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nonesuch": executable file not found in $PATH: unknown',
  ],
  [
    "command.not-found",
    'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/app/run": stat /app/run: no such file or directory: unknown',
  ],
  [
    "command.not-found",
    'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/www/index.html": permission denied: unknown',
  ],
  [
    "port.taken",
    "driver failed programming external connectivity on endpoint web (bb131543): Bind for 0.0.0.0:8080 failed: port is already allocated",
  ],
  [
    "port.taken",
    "driver failed programming external connectivity on endpoint web (bb131543): Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
  ],
  [
    "port.taken",
    "failed to set up container networking: driver failed programming external connectivity on endpoint web (7b1): failed to bind host port for 0.0.0.0:8080:172.17.0.2:80/tcp: address already in use",
  ],
  ["resources.rejected", "Minimum memory limit allowed is 6MB"],
  ["resources.rejected", "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"],
  ["resources.rejected", "unable to find user nosuch: no matching entries in passwd file"],
  ["resources.rejected", "Cannot mkdir: /etc/passwd is not a directory"],
  ["resources.rejected", "invalid reference format: repository name (library/Web) must be lowercase"],
  ["engine.error", "something nobody has seen before"],
];

describe("what engines say, in our words", () => {
  test.each(sentences)("%s: %s", (code, sentence) => {
    const { failure } = translateDockerText(sentence, context);
    expect(failure.code).toBe(code);
    expect(failure.message).not.toMatch(/undefined|\[object/);
  });

  test("the message names the port, the command and the image", () => {
    for (const [code, sentence] of sentences) {
      const { message } = translateDockerText(sentence, context).failure;
      if (code === "port.taken") expect(message).toContain("8080");
      if (code === "command.not-found") expect(message).toMatch(/nonesuch|\/app\/run|\/www\/index.html/);
      if (code.startsWith("image.")) expect(message).toContain("shop/web:1");
    }
  });

  test("a new kind of failure keeps the engine's own sentence", () => {
    expect(translateDockerText("something nobody has seen before", context).failure.message).toContain("something nobody has seen before");
  });
});
