import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { createAuthority, issueCertificate } from "../../../ops/nats/authority.ts";
import { memorySealedStore } from "../../../storage/memory-sealed.ts";
import { Stage } from "./stage.ts";

const HOUR_MS = 3_600_000;

interface Pair {
  readonly chain: string;
  readonly key: string;
}

/** A chain of two with its key, as a company's own authority gives them out. */
async function pairFor(stage: Stage, names: readonly string[], lifeMs = 30 * 24 * HOUR_MS): Promise<Pair> {
  const nowMs = stage.clock.nowMs();
  const authority = await createAuthority(nowMs, "Company authority");
  const { cert, key } = await issueCertificate(authority, { kind: "server", names }, nowMs, lifeMs);
  return { chain: `${cert}\n${authority.cert}`, key };
}

test("local names are served with certificates of an authority that a user can trust once", async () => {
  const keeper = await new Stage().start();
  const hosts = ["localhost", "shop", "app.test", "db.internal", "printer.local", "10.0.0.7"];
  await keeper.want(...hosts);
  for (const host of hosts) await keeper.untilView(host, ({ source, state }) => source === "self-signed" && state === "valid");
  await keeper.until(
    () => "not every host is served",
    () => hosts.every((host) => keeper.served(host) !== undefined),
  );
  const { certificate } = await keeper.value<{ certificate: string }>("certificates.authority");
  const authority = new X509Certificate(certificate);
  for (const host of hosts) {
    const leaf = new X509Certificate(keeper.served(host) ?? "");
    expect(leaf.checkIssued(authority) && leaf.verify(authority.publicKey), host).toBe(true);
  }
  expect((await keeper.view("app.test"))?.reason).toBe("Self-signed, since it is a local name, which no public authority certifies.");
});

test("a public name is self-signed until somebody configures an authority, and says so", async () => {
  const keeper = await new Stage().start();
  await keeper.want("app.example.com");
  const view = await keeper.untilView("app.example.com", ({ state }) => state === "valid");
  expect(view.reason).toBe("Self-signed, since no authority is configured; see certificates configure.");
  expect(await keeper.call("certificates.renew", { host: "app.example.com" })).toMatchObject({ code: "certificate.not-ours" });
});

test("nothing is asked of an authority before its terms were agreed to", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.want("app.example.com");
  const reply = await keeper.call("certificates.configure", { acme: "on" });
  expect(reply).toMatchObject({ code: "certificate.terms-not-agreed", message: expect.stringContaining("letsencrypt.org") as string });
  expect(stage.authority.asked).toEqual([]);
  expect(await keeper.value("certificates.settings")).toEqual({ acme: "off", hasTrustedRoots: false, localNames: false });
});

test("a wildcard is not asked for, with the reason; an uploaded certificate serves it", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want("*.example.com");
  const view = await keeper.untilView("*.example.com", ({ state }) => state === "valid");
  expect(view).toMatchObject({ source: "self-signed", reason: expect.stringMatching(/DNS-01.*upload a certificate/) as string });
  expect(stage.authority.asked).toEqual([]);
  const { name } = await keeper.value<{ name: string }>("certificates.upload", { ...(await pairFor(stage, ["*.example.com"])) });
  expect(await keeper.view("*.example.com")).toMatchObject({
    name,
    source: "uploaded",
    serves: ["*.example.com"],
    state: "valid",
    reason: "",
  });
});

test("an uploaded certificate serves every host it covers, before any other, until it is deleted", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.configure();
  await keeper.want("a.example.com", "b.example.com", "example.org");
  for (const host of ["a.example.com", "example.org"]) await keeper.untilView(host, ({ source }) => source === "acme");
  const pair = await pairFor(stage, ["*.example.com", "example.com"]);
  const uploaded = await keeper.value<{ name: string }>("certificates.upload", { ...pair });
  expect(uploaded).toMatchObject({ hosts: ["*.example.com", "example.com"], issuer: "Company authority", replaces: [] });
  expect(await keeper.view("b.example.com")).toMatchObject({ name: uploaded.name, serves: ["a.example.com", "b.example.com"] });
  expect(await keeper.view("example.org")).toMatchObject({ source: "acme" });
  await keeper.until(
    () => "it is not served",
    () => keeper.served("a.example.com")?.startsWith(pair.chain.slice(0, 200)) === true,
  );
  await keeper.value("certificates.delete", { name: uploaded.name });
  await keeper.untilView("a.example.com", ({ source, state }) => source === "acme" && state === "valid");
});

test("an upload for the same hosts takes the place of the one before", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.want("a.example.com");
  const first = await keeper.value<{ name: string }>("certificates.upload", { ...(await pairFor(stage, ["a.example.com"])) });
  const second = await keeper.value<{ name: string }>("certificates.upload", { ...(await pairFor(stage, ["a.example.com"])) });
  expect(second).toMatchObject({ replaces: [first.name] });
  const { items } = await keeper.value<{ items: { name: string }[] }>("certificates.list");
  expect(items.map(({ name }) => name)).toEqual([second.name]);
});

test("an uploaded certificate that ends is an alarm before, and a self-signed one takes its place", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  await keeper.want("a.example.com");
  const { name } = await keeper.value<{ name: string }>("certificates.upload", { ...(await pairFor(stage, ["a.example.com"])) });
  const late = await stage.later(25 * 24 * HOUR_MS);
  await late.untilView(name, ({ state, reason }) => state === "expiring" && reason.includes("upload the next one"));
  expect(await late.eventTypes()).toContain("certificate.expiring");
  const over = await stage.later(6 * 24 * HOUR_MS);
  await over.untilView("a.example.com", ({ source, state }) => source === "self-signed" && state === "valid");
  expect(await over.view(name)).toMatchObject({ state: "expired", serves: [] });
});

test("what cannot serve is not taken, with everything that is wrong", async () => {
  const stage = new Stage();
  const keeper = await stage.start();
  const good = await pairFor(stage, ["a.example.com"]);
  const other = await pairFor(stage, ["a.example.com"]);
  const [leaf = "", root = ""] = good.chain.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  const ended = await pairFor(stage, ["a.example.com"], 1);
  await stage.clock.advance(1_000);
  const cases: readonly (readonly [Pair, RegExp])[] = [
    [{ ...good, key: other.key }, /the key is not that of the chain's first certificate/],
    [{ ...good, key: "nonsense" }, /the key is no private key in PEM form/],
    [{ ...good, key: good.key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") }, /decrypt it first/],
    [{ ...good, chain: "nonsense" }, /no certificate in PEM form/],
    [{ ...good, chain: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }, /is no certificate/],
    [{ ...good, chain: `${root}\n${leaf}` }, /the first certificate is an authority's.*put each before its issuer/],
    [ended, /the certificate ended on 2026-/],
  ];
  for (const [pair, problem] of cases) {
    const reply = await keeper.call("certificates.upload", { ...pair });
    expect(reply).toMatchObject({ code: "certificate.invalid", message: expect.stringMatching(problem) as string });
    expect(JSON.stringify(reply)).not.toContain(pair.key.split("\n")[1] ?? pair.key);
  }
  expect(await keeper.eventTypes()).toEqual([]);
});

test("a key that cannot be opened is told of, the rest is served, and it serves once it can be opened", async () => {
  const store = memorySealedStore();
  let isBroken = false;
  const stage = new Stage({
    ...store,
    open: async (name, version) => {
      if (isBroken && name.endsWith("b.test")) throw new Error("the master key cannot be read");
      return store.open(name, version);
    },
  });
  const first = await stage.start();
  await first.want("a.test", "b.test");
  for (const host of ["a.test", "b.test"]) await first.untilView(host, ({ state }) => state === "valid");
  isBroken = true;
  const second = await stage.later(1_000);
  const view = await second.untilView("b.test", ({ state }) => state === "unreadable");
  expect(view.reason).toBe("Its private key cannot be opened, so it is not served: the master key cannot be read.");
  expect(second.served("a.test")).toBeDefined();
  expect(second.served("b.test")).toBeUndefined();
  isBroken = false;
  await second.untilView("b.test", ({ state }) => state === "valid");
  expect(second.served("b.test")).toBeDefined();
});

test("a disk that cannot keep a key keeps no certificate, and goes on once it can", async () => {
  const store = memorySealedStore();
  let isFull = true;
  const stage = new Stage({
    ...store,
    seal: async (name, bytes) => (isFull ? { kind: "failed", reason: "disk-full", message: "the disk is full" } : store.seal(name, bytes)),
  });
  const keeper = await stage.start();
  await keeper.want("a.test");
  await keeper.untilView("a.test", ({ state }) => state === "pending");
  isFull = false;
  await keeper.untilView("a.test", ({ state }) => state === "valid");
});
