import { X509Certificate } from "node:crypto";
import { createServer } from "node:http";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { AcmeClient } from "../../../ops/certificates/acme-client.ts";
import { createAuthority } from "../../../ops/nats/authority.ts";
import { freePort } from "../../../ops/nats/free-port.ts";
import { Pebble, pebblePrograms, type PebbleOptions } from "../../../ops/testbed/pebble.ts";
import { systemClock } from "../../../runtime/system-clock.ts";
import { memorySealedStore } from "../../../storage/memory-sealed.ts";
import { openMemoryTenant } from "../../../storage/memory-tenant.ts";
import { Keeper, TENANT } from "../../actors/certificate/keeper.ts";
import { requireCapability } from "../../support/capability.ts";

const describeWithPebble = await requireCapability("pebble");
const ADDRESS = "127.0.0.1";

describeWithPebble("certificates of a real ACME authority", () => {
  let programs = "";
  beforeAll(async () => {
    const found = await pebblePrograms();
    if (found.kind === "ready") programs = found.folder;
  });

  /** An authority that refuses one nonce in five, and a keeper whose supply is served on the port where the authority looks. */
  async function stage(options: Partial<PebbleOptions> = {}): Promise<{ readonly pebble: Pebble; readonly keeper: Keeper }> {
    const httpPort = await freePort(ADDRESS, undefined);
    const pebble = await Pebble.start(programs, { address: ADDRESS, hostsAt: ADDRESS, httpPort, refusedNoncesPercent: 20, ...options });
    onTestFinished(() => pebble.stop());
    const { journal, reads } = openMemoryTenant({ tenant: TENANT });
    const authority = new AcmeClient(systemClock);
    const keeper = await Keeper.start({ clock: systemClock, journal, reads, sealed: memorySealedStore(), authority });
    await answerChallenges(keeper, httpPort);
    return { pebble, keeper };
  }

  test("hosts are proved over HTTP and served with certificates of the authority", async () => {
    const { pebble, keeper } = await stage();
    await keeper.configure(pebble.directoryUrl, { trustedRoots: pebble.serverRoot, email: "ops@example.com" });
    await keeper.want("app.test", "shop.test");
    const root = new X509Certificate(await pebble.issuingRoot());
    for (const host of ["app.test", "shop.test"]) {
      const view = await keeper.untilView(host, ({ source }) => source === "acme");
      expect(view).toMatchObject({ hosts: [host], serves: [host], state: "valid", reason: "" });
      const [leaf, intermediate] = (keeper.served(host)?.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map(
        (pem) => new X509Certificate(pem),
      );
      expect(leaf?.checkHost(host)).toBe(host);
      expect(intermediate?.verify(root.publicKey)).toBe(true);
    }
    expect(keeper.supply?.challenges).toEqual([]);
  });

  test("a person has a certificate renewed; the old one serves until the new one is there", async () => {
    const { pebble, keeper } = await stage();
    await keeper.configure(pebble.directoryUrl, { trustedRoots: pebble.serverRoot });
    await keeper.want("app.test");
    const before = await keeper.untilView("app.test", ({ source }) => source === "acme");
    await keeper.value("certificates.renew", { host: "app.test" });
    await keeper.until(
      () => "it was not renewed, or not served meanwhile",
      async () => {
        expect(keeper.served("app.test")).toBeDefined();
        return (await keeper.view("app.test"))?.fingerprint !== before.fingerprint;
      },
    );
  });

  test("an authority that refuses a host says why in its own words", async () => {
    const { pebble, keeper } = await stage({ blockedDomains: ["blocked.test"] });
    await keeper.configure(pebble.directoryUrl, { trustedRoots: pebble.serverRoot });
    await keeper.want("blocked.test");
    const view = await keeper.untilView("blocked.test", ({ lastFailure }) => lastFailure !== undefined);
    expect(view.lastFailure?.message).toMatch(/^the authority refused: .*blocked\.test/);
    expect(view.source).toBe("self-signed");
  });

  test("a host that leads elsewhere is not proved, and the authority's reason is told", async () => {
    const { pebble, keeper } = await stage();
    await pebble.resolve("app.test", "127.0.0.77");
    await keeper.configure(pebble.directoryUrl, { trustedRoots: pebble.serverRoot });
    await keeper.want("app.test");
    const view = await keeper.untilView("app.test", ({ lastFailure }) => lastFailure !== undefined);
    expect(view.lastFailure?.message).toMatch(/127\.0\.0\.77|connection refused/i);
  });

  test("an authority that is down, then back with a new database and a new root, issues after all", async () => {
    const { pebble, keeper } = await stage();
    await keeper.configure(pebble.directoryUrl, { trustedRoots: pebble.serverRoot });
    await keeper.want("app.test");
    const before = await keeper.untilView("app.test", ({ source }) => source === "acme");
    await pebble.stopAuthority();
    await keeper.value("certificates.renew", { host: "app.test" });
    await keeper.untilView("app.test", ({ reason }) => reason.includes("nothing listens there"));
    await pebble.startAuthority();
    const after = await keeper.untilView("app.test", ({ fingerprint }) => fingerprint !== before.fingerprint);
    expect(after.issuer).not.toBe(before.issuer);
    expect(await keeper.eventTypes()).toContain("account.forgotten");
  });

  test("an authority whose own certificate is not trusted is not spoken to, and the remedy is told", async () => {
    const { pebble, keeper } = await stage();
    await keeper.configure(pebble.directoryUrl, { trustedRoots: (await createAuthority(Date.now(), "Another root")).cert });
    await keeper.want("app.test");
    await keeper.untilView("app.test", ({ reason }) =>
      /not trusted; give its roots with certificates configure --trusted-roots/.test(reason),
    );
    await keeper.configure(pebble.directoryUrl, { trustedRoots: pebble.serverRoot });
    await keeper.untilView("app.test", ({ source }) => source === "acme");
  });
});

/** As an ingress node does. */
async function answerChallenges(keeper: Keeper, port: number): Promise<void> {
  const server = createServer((request, response) => {
    const token = request.url?.split("/").at(-1) ?? "";
    const found = keeper.supply?.challenges.find((each) => each.token === token);
    response.writeHead(found === undefined ? 404 : 200).end(found?.keyAuthorization);
  });
  await new Promise<void>((resolve) => server.listen(port, ADDRESS, resolve));
  onTestFinished(() => void server.close());
}
