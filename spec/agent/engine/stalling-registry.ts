import { once } from "node:events";
import { createServer, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** Passes everything on to a real registry, but of each layer only the first half, until it is released. */
export interface StallingRegistry {
  /** `host:port`, the first part of an image reference. */
  readonly address: string;
  release(): void;
  close(): void;
}

export async function stallingRegistry(host: string, registryAddress: string): Promise<StallingRegistry> {
  let isReleased = false;
  const held: (() => void)[] = [];
  const pass = (answered: ServerResponse, isBlob: boolean, body: Buffer): void => {
    if (!isBlob || isReleased) return void answered.end(body);
    const half = Math.floor(body.length / 2);
    answered.write(body.subarray(0, half));
    held.push(() => answered.end(body.subarray(half)));
  };
  const server = createServer((asked, answered) => {
    const { method, url, headers } = asked;
    const onward = request(`http://${registryAddress}${url}`, { method, headers: { ...headers, host: registryAddress } }, (answer) => {
      void buffer(answer).then((body) => {
        answered.writeHead(answer.statusCode ?? 500, answer.headers);
        pass(answered, url?.includes("/blobs/") === true && method === "GET" && body.length > 1_000_000, body);
      });
    });
    asked.pipe(onward);
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    release: () => {
      isReleased = true;
      for (const go of held) go();
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
