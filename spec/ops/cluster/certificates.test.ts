import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { CertificateView } from "../../../actors/certificate/contract.ts";
import { createAuthority, issueCertificate } from "../../../ops/nats/authority.ts";
import { Pebble, pebblePrograms } from "../../../ops/testbed/pebble.ts";
import { requireCapability } from "../../support/capability.ts";
import { Cluster } from "../../support/cluster.ts";
import { deployHealthy, webSpec } from "./engines.ts";

const HOST = "app.test";
const ASK_TIMEOUT_MS = 5_000;
const JOURNEY_TIMEOUT_MS = 180_000;

const describeOnCluster = await requireCapability("testbed", "pebble");

describeOnCluster("a route with TLS on three real engines and a real ACME authority", () => {
  let cluster: Cluster;
  let pebble: Pebble;
  let root: string;

  beforeAll(async () => {
    cluster = await Cluster.start({ name: "certificates" });
    const programs = await pebblePrograms();
    if (programs.kind !== "ready") throw new Error(programs.reason);
    const { address } = cluster.bed;
    pebble = await Pebble.start(programs.folder, { address, hostsAt: cluster.bed.node(3).address, httpPort: 80 });
    root = await pebble.issuingRoot();
    const roots = join(cluster.home, "pebble.pem");
    writeFileSync(roots, pebble.serverRoot);
    const settings = ["--directory-url", pebble.directoryUrl, "--trusted-roots", roots, "--local-names", "--agree-terms"];
    await cluster.run("certificates", "configure", "--acme", "on", "--email", "ops@example.com", ...settings);
    await deployHealthy(
      cluster,
      webSpec("web", cluster.image("bb1"), { replicas: 2, ports: [{ containerPort: 8080 }], routes: [{ host: HOST }] }),
    );
  });

  afterAll(async () => {
    await pebble?.stop();
    await cluster.stop();
  });

  const certificate = async (name = HOST): Promise<CertificateView> =>
    (await cluster.api("GET", `/certificates/${name}`)).body as CertificateView;
  const addresses = (): readonly string[] => cluster.bed.nodes.map(({ address }) => address);

  test(
    "is served on every node with a certificate of the authority, and port 80 leads there",
    async () => {
      await cluster.until("the authority has issued", async () => (await certificate()).source === "acme", JOURNEY_TIMEOUT_MS);
      const { fingerprint } = await certificate();
      const events = (await cluster.api("GET", "/events?limit=500")).body as { readonly items: readonly { readonly type: string }[] };
      expect(events.items.filter(({ type }) => type === "order.failed")).toEqual([]);
      for (const address of addresses()) {
        await cluster.until(`${address} serves it`, async () => (await secure(address, root)).fingerprint === fingerprint);
        expect(await secure(address, root)).toMatchObject({ status: 200, body: expect.stringMatching(/ 1\s*$/) as string });
        expect(await plain(address)).toEqual({ status: expect.toBeOneOf([301, 308]) as number, location: `https://${HOST}/cgi-bin/id` });
      }
      expect(await cluster.run("certificates")).toMatch(new RegExp(`${HOST} +${HOST} +acme +valid`));
      expect(await cluster.run("routes")).toMatch(new RegExp(`${HOST}/ +acme +web +2 +answers`));
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "has its certificate renewed without a request lost",
    async () => {
      const before = await certificate();
      const failures: string[] = [];
      let requests = 0;
      const over = new AbortController();
      const load = Promise.all(
        addresses().map(async (address) => {
          while (!over.signal.aborted) {
            const { status } = await secure(address, root).catch((cause: unknown) => ({ status: String(cause) }));
            if (status !== 200) failures.push(`${address}: ${status}`);
            requests += 1;
          }
        }),
      );
      await cluster.run("certificates", "renew", HOST);
      await cluster.until("every node serves the new one", async () => {
        const { fingerprint } = await certificate();
        const served = await Promise.all(addresses().map(async (address) => (await secure(address, root)).fingerprint));
        return fingerprint !== before.fingerprint && served.every((each) => each === fingerprint);
      });
      over.abort();
      await load;
      expect(failures).toEqual([]);
      expect(requests).toBeGreaterThan(10);
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "keeps its certificate while the control plane is away and after it is back",
    async () => {
      const { fingerprint } = await certificate();
      await cluster.killControlPlane();
      for (const address of addresses()) expect((await secure(address, root)).fingerprint).toBe(fingerprint);
      await cluster.startControlPlane();
      for (let look = 0; look < 10; look += 1)
        for (const address of addresses()) expect((await secure(address, root)).fingerprint).toBe(fingerprint);
      expect(await certificate()).toMatchObject({ source: "acme", state: "valid", fingerprint });
    },
    JOURNEY_TIMEOUT_MS,
  );

  test(
    "is served with an uploaded pair instead, whose key is nowhere to be read",
    async () => {
      const nowMs = Date.now();
      const authority = await createAuthority(nowMs, "Company authority");
      const { cert, key } = await issueCertificate(authority, { kind: "server", names: ["*.test", "app.test"] }, nowMs);
      const [chainFile, keyFile] = [join(cluster.home, "chain.pem"), join(cluster.home, "uploaded-key")];
      writeFileSync(chainFile, cert + authority.cert);
      writeFileSync(keyFile, key, { mode: 0o600 });
      const uploaded = await cluster.run("certificates", "upload", "--chain", chainFile, "--key", keyFile, "--json");
      expect(JSON.parse(uploaded)).toMatchObject({ name: "upload-1", hosts: ["*.test", "app.test"] });
      for (const address of addresses())
        await cluster.until(`${address} serves the upload`, async () => (await secure(address, authority.cert)).status === 200);
      const answers = await Promise.all(
        [
          "/certificates",
          "/certificates/upload-1",
          "/certificate-settings",
          "/events?limit=500",
          "/audit?limit=500",
          "/ingress/routes",
          "/ingress",
        ].map(async (path) => JSON.stringify((await cluster.api("GET", path)).body)),
      );
      const files = [
        ...readdirSync(join(cluster.home, "tenants")).map((name) => join("tenants", name)),
        "console.log",
        "control-plane.log",
        ...readdirSync(join(cluster.home, "agents")).map((name) => join("agents", name, "agent.log")),
      ].map((name) => readFileSync(join(cluster.home, name), "latin1"));
      expect(answers.join("")).toContain("upload-1");
      expect(files.some((text) => text.includes("certificate.uploaded"))).toBe(true);
      for (const text of [uploaded, ...answers, ...files]) {
        expect(text.includes("PRIVATE KEY")).toBe(false);
        for (const line of key.split("\n").filter((each) => each !== "" && !each.startsWith("-----")))
          expect(text.includes(line)).toBe(false);
      }
    },
    JOURNEY_TIMEOUT_MS,
  );
});

interface Answer {
  readonly status: number | undefined;
  readonly fingerprint: string;
  readonly body: string;
}

/** As a browser does that trusts the root, to this node. */
function secure(address: string, root: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      host: address,
      path: "/cgi-bin/id",
      servername: HOST,
      headers: { host: HOST },
      ca: root,
      agent: false,
      timeout: ASK_TIMEOUT_MS,
    };
    const request = httpsRequest(options, (response) => {
      const { fingerprint256 } = (response.socket as TLSSocket).getPeerCertificate();
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, fingerprint: fingerprint256, body }));
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
    request.end();
  });
}

function plain(address: string): Promise<{ readonly status: number | undefined; readonly location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = httpGet(
      { host: address, path: "/cgi-bin/id", headers: { host: HOST }, agent: false, timeout: ASK_TIMEOUT_MS },
      (response) => {
        response.resume();
        resolve({ status: response.statusCode, location: response.headers.location });
      },
    );
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
  });
}
