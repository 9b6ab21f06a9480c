import { once } from "node:events";
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority, issueCertificate } from "../../../ops/nats/authority.ts";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { IngressBed, type Replica } from "./ingress-bed.ts";
import { certificateOf, poolOf, routeOf } from "./tables.ts";

const describeOnTestbed = await requireCapability("root", "testbed");
const POOL = "web/9002/tcp";
const HOST = "grpc.test";

/** A call with messages in both directions. */
class Call {
  readonly #stream: ClientHttp2Stream;
  readonly #trailers: Promise<[IncomingHttpHeaders]>;

  constructor(session: ClientHttp2Session) {
    this.#stream = session.request(
      { ":method": "POST", ":path": "/app.Echo/Talk", ":authority": HOST, "content-type": "application/grpc", te: "trailers" },
      { signal: AbortSignal.timeout(20_000) },
    );
    this.#trailers = once(this.#stream, "trailers") as Promise<[IncomingHttpHeaders]>;
    this.#trailers.catch(() => undefined);
  }

  /** The answer to one message, while the call is open. */
  async say(message: string): Promise<string> {
    const answered = once(this.#stream, "data");
    this.#stream.write(message);
    return String((await answered)[0]);
  }

  /** The status of a call that sends nothing. */
  async status(): Promise<number | undefined> {
    const answered = once(this.#stream, "response") as Promise<[IncomingHttpHeaders & IncomingHttpStatusHeader]>;
    this.#stream.end();
    return (await answered)[0][":status"];
  }

  /** The trailers with which the call ends. */
  async end(): Promise<IncomingHttpHeaders> {
    this.#stream.end();
    this.#stream.resume();
    return (await this.#trailers)[0];
  }
}

async function replicasThatAnswer(session: ClientHttp2Session): Promise<ReadonlySet<string>> {
  const answers = new Set<string>();
  for (let count = 0; count < 10; count += 1) {
    const call = new Call(session);
    answers.add((await call.say("hello")).split(" ")[0] ?? "");
    expect(await call.end()).toMatchObject({ "grpc-status": "0" });
  }
  return answers;
}

describeOnTestbed("gRPC through the proxy of a node", () => {
  let ingress: IngressBed;
  let one: Replica;
  let two: Replica;
  const sessions: ClientHttp2Session[] = [];

  beforeAll(async () => {
    ingress = await IngressBed.start("ingress-grpc", 1);
    await ingress.bed.registry.push(appImage("1"));
    [one, two] = await Promise.all([ingress.replica(1, 0, "web.1.1"), ingress.replica(1, 1, "web.2.1")]);
  });
  afterAll(async () => {
    for (const session of sessions) session.destroy();
    await ingress?.stop();
  });

  function open(scheme: "http" | "https", port: number): ClientHttp2Session {
    const session = connect(`${scheme}://${ingress.bed.node(1).address}:${port}`, { servername: HOST, rejectUnauthorized: false });
    session.on("error", () => undefined);
    sessions.push(session);
    return session;
  }

  const port = { port: 8080, protocol: "tcp" as const, pool: POOL };
  const pool = (...members: readonly Replica["grpc"][]) => poolOf(POOL, members, { protocol: "grpc" });
  const both = new Set(["web.1.1", "web.2.1"]);

  test("answers on a published port in clear: messages go both ways within a call, its end comes in trailers, and calls of one connection reach all replicas", async () => {
    await ingress.serve(1, { ports: [port], pools: [pool(one.grpc, two.grpc)] });
    const session = open("http", port.port);
    const call = new Call(session);
    const first = await call.say("one");
    expect(first).toMatch(/^web\.[12]\.1 1 one$/);
    expect(await call.say("two")).toBe(first.replace("one", "two"));
    expect(await call.end()).toMatchObject({ "grpc-status": "0" });
    expect(await replicasThatAnswer(session)).toEqual(both);
  });

  test("answers on a route over TLS, agreed on with the client", async () => {
    const { cert, key } = await issueCertificate(await createAuthority(Date.now()), { kind: "server", names: [HOST] }, Date.now());
    await ingress.serve(1, {
      routes: [routeOf({ host: HOST, tls: "on", pool: POOL })],
      pools: [pool(one.grpc, two.grpc)],
      certificates: [certificateOf(cert, key)],
    });
    const session = open("https", 443);
    await once(session, "connect");
    expect(session.alpnProtocol).toBe("h2");
    expect(await replicasThatAnswer(session)).toEqual(both);
  });

  test("is told at once that a replica refuses connections, by the status that its clients read as unavailable", async () => {
    await ingress.serve(1, { ports: [port], pools: [pool({ ...two.grpc, port: two.grpc.port + 100 })] });
    expect(await new Call(open("http", port.port)).status()).toBe(502);
  });

  test("goes on in a replica that left the pool until the call ends, and then nothing is left to wait for", async () => {
    await ingress.serve(1, { ports: [port], pools: [pool(one.grpc)] });
    const session = open("http", port.port);
    const call = new Call(session);
    expect(await call.say("before")).toBe("web.1.1 1 before");
    await ingress.serve(1, { ports: [port], pools: [pool(two.grpc)] });
    const draining = () => ingress.told.get(1)?.draining.map(({ placementId }) => placementId);
    await ingress.until("the replica's call is counted", () => draining()?.includes("web.1.1") === true);
    expect(await replicasThatAnswer(session)).toEqual(new Set(["web.2.1"]));
    expect(await call.say("after")).toBe("web.1.1 1 after");
    expect(await call.end()).toMatchObject({ "grpc-status": "0" });
    await ingress.until("nothing is left in the replica", () => draining()?.length === 0);
    expect(session.closed || session.destroyed).toBe(false);
  });
});
