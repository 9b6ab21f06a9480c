import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { IngressCertificate, IngressRoute } from "../../../actors/ingress/contract.ts";
import { createAuthority, issueCertificate } from "../../../ops/nats/authority.ts";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { IngressBed, type Replica, type TableInput } from "./ingress-bed.ts";
import { certificateOf, poolOf, routeOf } from "./tables.ts";
import { askByProxyProtocol } from "./traffic.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

async function certificateFor(host: string): Promise<IngressCertificate> {
  const { cert, key } = await issueCertificate(await createAuthority(Date.now()), { kind: "server", names: [host] }, Date.now());
  return certificateOf(cert, key);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** Of the certificate it came with. */
  readonly fingerprint: string | undefined;
}

describeOnTestbed("routes of a node's proxy", () => {
  let ingress: IngressBed;
  let one: Replica;
  let two: Replica;

  beforeAll(async () => {
    ingress = await IngressBed.start("ingress-routes", 1);
    await ingress.bed.registry.push(appImage("1"));
    [one, two] = await Promise.all([ingress.replica(1, 0, "web.1.1"), ingress.replica(1, 1, "web.2.1")]);
  });
  afterAll(() => ingress?.stop());

  const pool = "web/80/tcp";
  const serve = (routes: readonly IngressRoute[], change: TableInput = {}) =>
    ingress.serve(1, {
      routes: [...routes],
      pools: [poolOf(pool, [one.http, two.http]), poolOf("one", [one.http]), poolOf("two", [two.http])],
      ...change,
    });
  const options = (change: Partial<IngressRoute["options"]>) => ({ ...routeOf().options, ...change });

  async function ask(
    url: string,
    { headers = {}, method = "GET", body }: { headers?: Record<string, string | string[]>; method?: string; body?: string } = {},
  ): Promise<Answer> {
    const { protocol, hostname, pathname, search } = new URL(url);
    const send = protocol === "https:" ? httpsRequest : httpRequest;
    const call = send({
      host: ingress.bed.node(1).address,
      path: `${pathname}${search}`,
      method,
      servername: hostname,
      rejectUnauthorized: false,
      agent: false,
      headers: { host: hostname, ...headers, ...(body !== undefined && { "content-length": String(body.length) }) },
      signal: AbortSignal.timeout(10_000),
    }).end(body);
    const [response] = (await once(call, "response")) as [IncomingMessage];
    const fingerprint = protocol === "https:" ? (response.socket as TLSSocket).getPeerCertificate().fingerprint256 : undefined;
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, headers: response.headers, body: text, fingerprint };
  }

  test("lead by host and by segments of the path; a named host goes before a wildcard, and what nobody routes is not found", async () => {
    await serve([
      routeOf({ host: "app.test", pool: "one" }),
      routeOf({ host: "app.test", path: "/headers", pool: "two" }),
      routeOf({ host: "*.test", pool: "two" }),
    ]);
    expect((await ask("http://app.test/")).body).toMatch(/^web.1.1/);
    expect((await ask("http://app.test/headersx")).status).toBe(404);
    expect((await ask("http://app.test/headers")).body).toMatch(/^\{"headers"/);
    expect((await ask("http://other.test/")).body).toMatch(/^web.2.1/);
    expect((await ask("http://deep.other.test/")).status).toBe(404);
    expect((await ask("http://example.com/")).status).toBe(404);
  });

  test("are served over TLS with the host's certificate, which is changed without a restart; port 80 leads there", async () => {
    const [before, after] = [await certificateFor("app.test"), await certificateFor("app.test")];
    const fingerprintOf = ({ chain }: { readonly chain: string }) => new X509Certificate(chain).fingerprint256;
    await serve([routeOf({ host: "app.test", tls: "on" })], { certificates: [before] });
    expect(await ask("https://app.test/")).toMatchObject({ status: 200, fingerprint: fingerprintOf(before) });
    expect(await ask("http://app.test/x?y=1")).toMatchObject({ status: 301, headers: { location: "https://app.test/x?y=1" } });
    expect(await ask("http://app.test/x", { method: "POST", body: "x" })).toMatchObject({ status: 308 });
    const { proxy } = await serve([routeOf({ host: "app.test", tls: "on" })], { certificates: [after] });
    expect(await ask("https://app.test/")).toMatchObject({ status: 200, fingerprint: fingerprintOf(after) });
    expect(proxy).toEqual(ingress.told.get(1)?.proxy);
    const inFiles = await ingress.bed
      .node(1)
      .enter("find /run/shared/agent -type f -perm /077 | wc -l; grep -c PRIVATE /run/shared/agent/ingress/a/routes.yaml");
    expect(inFiles).toBe("0\n1\n");
  });

  test("of a host that is being proven leave the proof to the agent, on every way a client may take", async () => {
    const challenges = [{ token: "token-1", keyAuthorization: "token-1.thumbprint" }];
    await serve([routeOf({ host: "app.test", tls: "on" })], { challenges });
    const proof = await ask("http://app.test/.well-known/acme-challenge/token-1");
    expect(proof).toMatchObject({ status: 200, body: "token-1.thumbprint" });
    expect((await ask("http://not-routed.test/.well-known/acme-challenge/token-1")).body).toBe("token-1.thumbprint");
    expect((await ask("http://app.test/.well-known/acme-challenge/token-2")).status).toBe(301);
    await serve([routeOf({ host: "app.test", tls: "off" })]);
    expect((await ask("http://app.test/.well-known/acme-challenge/token-1")).status).toBe(404);
  });

  test("do what their options say: credentials, addresses, body size, rate, compression, time limits, and clients that stay", async () => {
    // The password is "secret".
    const user = "ada:$apr1$r31XYBbv$Ezlk2xiEoTJMTJQ0f.gFA.";
    await serve(
      [
        routeOf({ host: "auth.test", pool, options: options({ basicAuth: [user] }) }),
        routeOf({ host: "inside.test", pool, options: options({ allow: ["192.0.2.0/24"] }) }),
        routeOf({ host: "ours.test", pool, options: options({ allow: [`${ingress.bed.address}/32`] }) }),
        routeOf({ host: "small.test", pool, options: options({ maxBodyBytes: 1_000 }) }),
        routeOf({ host: "slowly.test", pool, options: options({ rateLimit: { averagePerSecond: 1, burst: 2 } }) }),
        routeOf({ host: "packed.test", pool, options: options({ compress: true }) }),
        routeOf({ host: "bounded.test", pool: "bounded" }),
        routeOf({ host: "sticky.test", pool: "sticky" }),
      ],
      {
        pools: [
          poolOf(pool, [one.http, two.http]),
          poolOf("bounded", [one.http], { requestTimeoutMs: 300 }),
          poolOf("sticky", [one.http, two.http], { sticky: true }),
        ],
      },
    );
    expect((await ask("http://auth.test/")).status).toBe(401);
    const authorization = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
    expect((await ask("http://auth.test/", { headers: { authorization } })).status).toBe(200);
    expect((await ask("http://inside.test/")).status).toBe(403);
    expect((await ask("http://ours.test/")).status).toBe(200);
    expect((await ask("http://small.test/echo", { method: "POST", body: "x".repeat(2_000) })).status).toBe(413);
    expect((await ask("http://small.test/echo", { method: "POST", body: "x".repeat(500) })).body).toBe("500\n");
    const rated = [];
    for (let count = 0; count < 6; count += 1) rated.push((await ask("http://slowly.test/")).status);
    expect(rated).toContain(429);
    expect((await ask("http://bounded.test/slow?ms=2000")).status).toBe(504);
    expect((await ask("http://bounded.test/")).status).toBe(200);
    const first = await ask("http://sticky.test/");
    const cookie = first.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
    for (let count = 0; count < 6; count += 1) expect((await ask("http://sticky.test/", { headers: { cookie } })).body).toBe(first.body);
  });

  const CLIENT = "198.51.100.7";
  const OTHER_CLIENT = "198.51.100.8";
  const limited = () => [
    routeOf({ host: "inside.test", pool, options: options({ allow: [CLIENT] }) }),
    routeOf({ host: "inside.test", path: "/headers", pool, options: options({ allow: [OTHER_CLIENT] }) }),
    routeOf({ host: "ours.test", pool, options: options({ allow: [ingress.bed.address] }) }),
    routeOf({ host: "slowly.test", pool, options: options({ rateLimit: { averagePerSecond: 1, burst: 2 } }) }),
  ];
  const status = async (url: string, forwardedFor?: string | string[]) =>
    (await ask(url, forwardedFor === undefined ? {} : { headers: { "x-forwarded-for": forwardedFor } })).status;

  test("take for the client whom a trusted proxy names, in a header or by PROXY protocol, and else who connects", async () => {
    await serve(limited(), { trustedProxies: [ingress.bed.address, "10.9.0.0/16"] });
    await ingress.until("a proxy that trusts us has taken over", async () => (await status("http://inside.test/", CLIENT)) === 200);
    expect(await status("http://inside.test/", `${OTHER_CLIENT}, ${CLIENT}, 10.9.1.1`)).toBe(200);
    expect(await status("http://inside.test/", OTHER_CLIENT)).toBe(403);
    expect(await status("http://inside.test/", `${CLIENT}, ${OTHER_CLIENT}`)).toBe(403);
    // A proxy may add a line of its own to one that its client sent.
    expect(await status("http://inside.test/", [CLIENT, OTHER_CLIENT])).toBe(403);
    expect(await status("http://inside.test/headers", OTHER_CLIENT)).toBe(200);
    expect(await status("http://inside.test/headers", CLIENT)).toBe(403);
    expect(await status("http://inside.test/")).toBe(403);
    expect(await status("http://ours.test/")).toBe(200);
    const host = ingress.bed.node(1).address;
    expect(await askByProxyProtocol(host, CLIENT, "inside.test")).toBe(200);
    expect(await askByProxyProtocol(host, OTHER_CLIENT, "inside.test")).toBe(403);
    expect(await askByProxyProtocol(host, OTHER_CLIENT, "inside.test", CLIENT)).toBe(403);
    const rated = [];
    for (let count = 0; count < 6; count += 1) rated.push(await status("http://slowly.test/", CLIENT));
    expect(rated).toContain(429);
    expect(await status("http://slowly.test/", OTHER_CLIENT)).toBe(200);
  });

  test("believe nobody else about who the client is", async () => {
    await serve(limited(), { trustedProxies: ["10.9.0.0/16"] });
    const seen = async () => (await ask("http://ours.test/headers", { headers: { "x-forwarded-for": CLIENT } })).body;
    await ingress.until("a proxy that does not trust us has taken over", async () => !(await seen()).includes(CLIENT));
    expect(await status("http://ours.test/")).toBe(200);
    expect(await status("http://inside.test/")).toBe(403);
    expect(await status("http://inside.test/", CLIENT)).toBe(403);
    expect(await status("http://ours.test/", CLIENT)).toBe(200);
    const rated = [];
    for (let count = 0; count < 6; count += 1) rated.push(await status("http://slowly.test/", `198.51.100.${count}`));
    expect(rated).toContain(429);
  });

  test("without a healthy replica answer 503", async () => {
    await serve([routeOf({ host: "app.test", pool })], { pools: [poolOf(pool, [])] });
    expect((await ask("http://app.test/")).status).toBe(503);
  });
});
