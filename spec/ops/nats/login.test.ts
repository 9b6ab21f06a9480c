import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "nats";
import { describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../../../ops/nats/free-port.ts";
import { clusterAccess } from "../../../ops/nats/login.ts";
import { natsProgram } from "../../support/nats-program.ts";

/** A NATS server of the user's own, with that `authorization`; gives its port. */
async function ownServer(authorization: object): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "odysseus-own-nats-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort("127.0.0.1", undefined);
  const config = join(folder, "nats.conf");
  await writeFile(config, JSON.stringify({ host: "127.0.0.1", port, authorization }));
  const server = spawn(await natsProgram(), ["-c", config], { stdio: "ignore" });
  onTestFinished(() => void server.kill("SIGKILL"));
  return port;
}

async function canConnect(text: string): Promise<boolean> {
  const { url, login } = clusterAccess(text);
  const connection = await connect({ servers: url.split(","), reconnect: false, ...login });
  await connection.close();
  return true;
}

describe("the address of the user's own NATS", () => {
  test("may carry a user and a password with any signs in it", async () => {
    const port = await ownServer({ user: "ops", password: "p@ss,w:rd/" });
    await expect.poll(() => canConnect(`nats://ops:p%40ss%2Cw%3Ard%2F@127.0.0.1:${port}`)).toBe(true);
    await expect(canConnect(`nats://ops:wrong@127.0.0.1:${port}`)).rejects.toThrow(/authorization/i);
  });

  test("may carry a token", async () => {
    const port = await ownServer({ token: "s3cret" });
    await expect.poll(() => canConnect(`s3cret@127.0.0.1:${port}`)).toBe(true);
  });

  test("may name several servers, and shows no secret once taken apart", () => {
    expect(clusterAccess("nats://u:p@a:4222, tls://b:4223").url).toBe("nats://a:4222,tls://b:4223");
  });
});
