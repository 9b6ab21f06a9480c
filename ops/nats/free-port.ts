import { createServer } from "node:net";

/** A port nothing listens on: the wished one if it is free, else one the system picks. */
export async function freePort(host: string, wished: number | undefined): Promise<number> {
  const kept = wished === undefined ? undefined : await tryPort(host, wished);
  const port = kept ?? (await tryPort(host, 0));
  if (port === undefined) throw new Error(`no free port on ${host}`);
  return port;
}

function tryPort(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(undefined));
    server.listen({ host, port }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined));
    });
  });
}
